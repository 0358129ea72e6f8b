"""Trackers and mail servers that end with their test."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mail_server import MailServer
from tracker import Tracker


@pytest.fixture
def start_tracker(tmp_path: Path) -> Iterator[Callable[..., Tracker]]:
    """Starts a tracker with the given environment variables."""
    started: list[Tracker] = []

    def start(**variables: object) -> Tracker:
        folder = tmp_path / f"tracker-{len(started)}"
        tracker = Tracker(folder, **variables)
        started.append(tracker)
        return tracker.start()

    yield start
    for tracker in started:
        if tracker.is_running():
            tracker.kill()
        # Shown by pytest if the test failed.
        print(tracker.log)


@pytest.fixture
def tracker(start_tracker: Callable[..., Tracker]) -> Tracker:
    return start_tracker()


@pytest.fixture
def make_mail_server() -> Iterator[Callable[..., MailServer]]:
    """Makes a mail server with the given options, not started."""
    made: list[MailServer] = []

    def make(**options: object) -> MailServer:
        server = MailServer(**options)  # type: ignore[arg-type]
        made.append(server)
        return server

    yield make
    for server in made:
        if server.is_running():
            server.stop()


@pytest.fixture
def mail_server(make_mail_server: Callable[..., MailServer]) -> MailServer:
    """Plain SMTP, started."""
    return make_mail_server().start()


@pytest.fixture
def client_warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the client complained of so far. (The app's own exceptions are logged as errors.)"""
    caplog.set_level(logging.WARNING, logger="monlight")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("monlight.") and record.levelno == logging.WARNING
    ]
