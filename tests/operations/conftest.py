"""Stacks that end with their test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import Stack


@pytest.fixture
def stopped_stack(tmp_path: Path) -> Iterator[Stack]:
    """All four, never started."""
    stack = Stack(tmp_path)
    try:
        yield stack
    finally:
        stack.end()


@pytest.fixture
def stack(stopped_stack: Stack) -> Stack:
    """All four, started."""
    return stopped_stack.start()
