"""A stack that ends with its test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """All four, started."""
    stack = Stack(tmp_path)
    try:
        yield stack.start()
    finally:
        stack.end()
