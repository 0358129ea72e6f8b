"""A small shop that is honest about its bugs."""
