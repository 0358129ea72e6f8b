"""Real services, a receiver, and a sender that has nothing left of the test before."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from collector import Collector
from receiver import Receiver
from tracker import Tracker

from monlight import context, lane, sdk, transport
from monlight.integrations import patching


class Viewer(Tracker):
    """A log viewer with a database of its own."""

    name = "log-viewer"


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(lane, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(lane, "LONGEST_DELAY_S", 0.05)
    yield
    patching.restore()
    sdk._active = None
    for left in list(transport.sender()._busy.values()):
        left.after_fork()
    outermost = context.process()
    outermost.user = outermost.tags = outermost.breadcrumbs = outermost.transaction = None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver().start()
    yield it
    it.stop()


def _service(kind: type[Tracker], folder: Path, **variables: object) -> Iterator[Tracker]:
    folder.mkdir()
    service = kind(folder, **variables).start()
    yield service
    if service.is_running():
        service.kill()
    # Shown by pytest if the test failed.
    print(service.log)


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[Tracker]:
    yield from _service(Tracker, tmp_path / "tracker")


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Tracker]:
    yield from _service(Collector, tmp_path / "collector")


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[Tracker]:
    # It stores what is sent; there is nothing to follow.
    yield from _service(Viewer, tmp_path / "viewer", LOG_SOURCES=str(tmp_path))


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the client complained of so far."""
    caplog.set_level(logging.WARNING, logger="monlight")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("monlight") and record.levelno == logging.WARNING
    ]
