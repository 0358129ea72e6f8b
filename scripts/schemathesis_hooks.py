"""Gives every request an address of its own, so that the limit on wrong keys does not answer for the key check."""

import itertools

import schemathesis

numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(numbers)
    case.headers["X-Forwarded-For"] = (
        f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    )


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
