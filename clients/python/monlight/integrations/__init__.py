"""Libraries that Monlight watches by itself after `monlight.init()`, and middleware for those who add it by hand."""
