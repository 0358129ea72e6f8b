"""A fleet that ends with its test, and the table of what was seen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet import Fleet

Saw = Callable[[str, str], None]
ROWS: list[tuple[str, str]] = []


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """All four, not started."""
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.fixture
def saw() -> Saw:
    """Adds a row to the table that is printed in the end: the fault, and what was seen."""
    return lambda fault, seen: ROWS.append((fault, seen))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("what was done, and what was seen")
    for fault, seen in ROWS:
        terminalreporter.write_line(f"| {fault} | {seen} |")
