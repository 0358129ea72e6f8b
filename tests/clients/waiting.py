"""Waiting for what nobody tells us of: asks again until a deadline. Everything else here waits on a condition."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 60.0
"""Seconds after which something that should be quick has failed, on a busy machine."""


def eventually(probe: Callable[[], Found | None], what: str, timeout: float = PATIENCE) -> Found:
    """What `probe` returns once it is neither None nor False."""
    never = threading.Event()
    deadline = time.monotonic() + timeout
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.0f} s: {what}")
        never.wait(0.02)
    return found
