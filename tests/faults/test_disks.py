"""Disks that are full, read-only, or hold something else than was written."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Saw
from fleet import SERVICES, Fleet, until
from writing import Writing, stored


@pytest.fixture
def small_disks(fleet: Fleet) -> Iterator[Fleet]:
    """Each service's folder is a file system of 24 MB."""
    mounted: list[Path] = []
    try:
        for service in SERVICES:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", fleet.data[service]],
                capture_output=True,
                check=False,
            )
            if done.returncode != 0:
                pytest.skip(f"it needs the right to mount a tmpfs: {done.stderr.decode().strip()}")
            mounted.append(fleet.data[service])
        yield fleet
    finally:
        fleet.end()
        for path in mounted:
            subprocess.run(["umount", "-l", path], check=False)


def refused_by_all(fleet: Fleet) -> str:
    """Everybody refuses writes, in JSON and with a status that means it, and reads go on. Returns the statuses."""
    statuses = set()
    for service in SERVICES:
        writer = Writing(fleet, service, first=1_000_000)
        try:
            until(f"{service} refuses", lambda writer=writer: sum(writer.refusals.values()) >= 5)
        finally:
            writer.stop()
        assert set(writer.refusals) <= {503, 507}, (service, writer.refusals, writer.last_refusal)
        assert '"detail"' in writer.last_refusal, writer.last_refusal
        assert fleet.ask(service, "/").status_code == 200
        statuses |= set(writer.refusals)
    return " and ".join(map(str, sorted(statuses)))


def taken_by_all(fleet: Fleet) -> None:
    """Everybody takes writes again, by itself."""
    for service in SERVICES:
        writer = Writing(fleet, service, first=2_000_000)
        try:
            until(f"{service} takes writes again", lambda writer=writer: writer.acknowledged >= 5)
        finally:
            writer.stop()


def before(fleet: Fleet) -> list[Writing]:
    writers = [Writing(fleet, service) for service in SERVICES]
    until("all are written to", lambda: all(writer.acknowledged >= 20 for writer in writers))
    for writer in writers:
        writer.stop()
    for writer in writers:
        until("all arrive", lambda writer=writer: stored(fleet, writer.service) >= writer.acknowledged)
    return writers


def test_full_disks(small_disks: Fleet, saw: Saw) -> None:
    fleet = small_disks
    fleet.start()
    writers = before(fleet)
    for service in SERVICES:
        with contextlib.suppress(OSError), (fleet.data[service] / "ballast").open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
    statuses = refused_by_all(fleet)
    for service in SERVICES:
        (fleet.data[service] / "ballast").unlink()
    taken_by_all(fleet)
    for writer in writers:
        assert stored(fleet, writer.service) >= writer.acknowledged
    saw(
        "a full disk (tmpfs)",
        f"{statuses} in JSON, reads go on, writes are taken again when there is room, nothing lost",
    )


def test_read_only_disks(small_disks: Fleet, saw: Saw) -> None:
    fleet = small_disks
    fleet.start()
    writers = before(fleet)
    for service in SERVICES:
        assert fleet.stop(service) == 0
        subprocess.run(["mount", "-o", "remount,ro", fleet.data[service]], check=True)
        assert fleet.launch(service).wait(60) != 0
        assert str(fleet.data[service]) in fleet.log(service), fleet.log(service)
        subprocess.run(["mount", "-o", "remount,rw", fleet.data[service]], check=True)
    fleet.start()
    for writer in writers:
        assert stored(fleet, writer.service) >= writer.acknowledged
    saw("a start on a read-only disk", "refused, naming the file; well again when it may be written")


def spoil(path: Path) -> None:
    """Overwrites a page in the middle of each tenth of a database."""
    size = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for tenth in range(1, 10):
            file.seek(max(1, size * tenth // 10) * 4096)
            file.write(os.urandom(4096))


def test_pages_that_hold_something_else(fleet: Fleet, saw: Saw) -> None:
    fleet.start()
    writers = before(fleet)
    for service in SERVICES:
        command = [fleet.processes[service].args[-1], "backup", fleet.folder / f"{service}.backup"]  # type: ignore[index]
        subprocess.run(command, env=fleet.environment(service), check=True, capture_output=True)
        assert fleet.stop(service) == 0
        spoil(fleet.database(service))
        done = subprocess.run(
            [*command[:1], "doctor"],
            env=fleet.environment(service),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1, done
        assert "database" in [
            line.split()[1] for line in done.stdout.splitlines() if line.startswith("WRONG")
        ], done.stdout
        # What comes of it is a clean refusal or an answer, never a panic.
        process = fleet.launch(service)
        until("it lives or has ended", lambda s=service, p=process: p.poll() is not None or fleet.lives(s))
        if process.poll() is None:
            fleet.stop(service)
        assert "panicked" not in fleet.log(service), fleet.log(service)
        restored = [*command[:1], "restore", command[2]]
        subprocess.run(restored, env=fleet.environment(service), check=True, capture_output=True)
    fleet.start()
    for writer in writers:
        assert stored(fleet, writer.service) >= writer.acknowledged, writer.service
    saw(
        "nine pages of each database overwritten",
        "doctor says so; no panic; restored from a backup with everything that was acknowledged before it",
    )


def test_a_log_that_was_cut_off(fleet: Fleet, saw: Saw) -> None:
    fleet.start()
    before(fleet)
    fleet.kill()
    for service in SERVICES:
        wal = fleet.database(service).with_name("monlight.db-wal")
        if wal.exists() and wal.stat().st_size:
            os.truncate(wal, wal.stat().st_size * 2 // 3 + 100)
    fleet.start()
    taken_by_all(fleet)
    for service in SERVICES:
        assert fleet.stop(service) == 0
        command = [str(fleet.processes[service].args[-1]), "backup", fleet.folder / f"{service}.backup"]  # type: ignore[index]
        subprocess.run(command, env=fleet.environment(service), check=True, capture_output=True)
    saw(
        "the last third of each write-ahead log cut off",
        "starts with the commits before; the copy of it is whole; writes go on",
    )
