"""Too little of what a process needs: descriptors, memory, connections, a clock that goes on."""

import contextlib
import os
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Saw
from fleet import PATIENCE, SERVICES, Fleet, until
from writing import Writing, stored

N_IDLE = int(os.environ.get("FAULT_CONNECTIONS", "1500"))
MEMORY_LIMIT_MB = 30
"""What `deploy/compose.yml` lets each have."""


def connections(fleet: Fleet, service: str, n: int) -> list[socket.socket]:
    """Opens connections that say nothing; those that are refused do not count."""
    held = []
    for _ in range(n):
        with contextlib.suppress(OSError):
            held.append(socket.create_connection(("127.0.0.1", fleet.ports[service]), timeout=5))
    return held


def test_no_descriptors_left(fleet: Fleet, saw: Saw) -> None:
    fleet.start()
    for service in SERVICES:
        pid = fleet.processes[service].pid
        n_open = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (n_open + 8, n_open + 8))
        held = connections(fleet, service, 40)
        for connection in held:
            connection.close()
        until(
            f"{service} answers again",
            lambda service=service: fleet.ask(service, "/health").status_code == 200,
        )
        assert "panicked" not in fleet.log(service)
    writers = [Writing(fleet, service) for service in SERVICES]
    until("all take writes", lambda: all(writer.acknowledged >= 5 for writer in writers))
    for writer in writers:
        writer.stop()
    saw("no file descriptors left", "goes on waiting for one, and answers when there are some; nobody ends")


def test_idle_connections(fleet: Fleet, saw: Saw) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    n = min(N_IDLE, hard - 500)
    fleet.start()
    seen = []
    for service in SERVICES:
        resident = fleet.resident_mb(service)
        held = connections(fleet, service, n)
        try:
            until(
                f"{service} answers beside them",
                lambda service=service: fleet.ask(service, "/health").status_code == 200,
            )
            seen.append(f"{service} {resident:.0f} to {fleet.resident_mb(service):.0f} MB")
            assert fleet.resident_mb(service) < resident + 60, seen
        finally:
            for connection in held:
                connection.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    saw(f"{n:,} connections that say nothing, from one address", f"others are answered; {', '.join(seen)}")


@pytest.fixture
def small_memory() -> Iterator[dict[str, Path]]:
    """A group of processes for each service that may have what Compose's file here lets it have, pages of files that it
    reads and writes included."""
    first = Path("/sys/fs/cgroup/memory")
    root, limit = (first, "memory.limit_in_bytes") if first.is_dir() else (first.parent, "memory.max")
    groups = {service: root / f"monlight-{os.getpid()}-{service}" for service in SERVICES}
    if not (root / "cgroup.procs").exists():
        pytest.skip("it needs cgroups")
    try:
        for group in groups.values():
            group.mkdir()
            (group / limit).write_text(str(MEMORY_LIMIT_MB << 20))
        yield groups
    except OSError as reason:
        pytest.skip(f"it needs cgroups of its own with a limit of memory: {reason}")
    finally:
        for group in groups.values():
            if group.exists():
                until("the group is empty", lambda group=group: not (group / "cgroup.procs").read_text())
                group.rmdir()


def kills_for_memory(group: Path) -> int:
    """By the kernel, of processes of a group."""
    events = group / "memory.events"
    text = (events if events.exists() else group / "memory.oom_control").read_text()
    return int(dict(line.split() for line in text.splitlines())["oom_kill"])


def test_little_memory(fleet: Fleet, small_memory: dict[str, Path], saw: Saw) -> None:
    try:
        for service, group in small_memory.items():
            enter = 'echo $$ > "$0" && exec "$@"'
            fleet.start([service], "sh", "-c", enter, group / "cgroup.procs")
        writers = [Writing(fleet, service) for service in SERVICES]
        until("all are written to", lambda: all(writer.acknowledged >= 200 for writer in writers))
        for writer in writers:
            writer.stop()
            assert not writer.refusals, writer.last_refusal
        for service, group in small_memory.items():
            assert kills_for_memory(group) == 0, service
    finally:
        fleet.end()
    saw(
        f"each within {MEMORY_LIMIT_MB} MB, pages of files included (cgroup; debug builds)",
        "no kill by the kernel; writes are taken",
    )


FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def test_the_clock_jumps(fleet: Fleet, saw: Saw) -> None:
    if not FAKETIME.exists():
        pytest.skip("it needs Debian's faketime")
    offset = fleet.folder / "clock"

    def jump(seconds: int) -> None:
        draft = offset.with_suffix(".new")
        draft.write_text(f"{seconds:+d}")
        draft.replace(offset)

    jump(0)
    for service in SERVICES:
        fleet.settings[service] |= {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": offset,
            "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        }
    fleet.start()
    writers = [Writing(fleet, service) for service in SERVICES]
    for seconds in (0, 3600, -7200, 86400, 0):
        jump(seconds)
        goal = [writer.acknowledged + 20 for writer in writers]
        until(
            "all go on",
            lambda goal=goal: all(w.acknowledged >= n for w, n in zip(writers, goal, strict=True)),
        )
        for service in SERVICES:
            assert fleet.ask(service, "/").status_code == 200, service
    for writer in writers:
        assert not writer.stop().refusals, (writer.service, writer.last_refusal)
        if writer.service != "metrics-collector":
            until("all arrive", lambda writer=writer: stored(fleet, writer.service) >= writer.acknowledged)
        assert "panicked" not in fleet.log(writer.service)
    saw(
        "the clock jumps by +1 h, -3 h, +1 day and back under writes",
        "writes and pages go on, nothing refused, nothing lost",
    )


def test_readers_that_never_rest(fleet: Fleet, saw: Saw) -> None:
    fleet.start()
    over = threading.Event()

    def read(service: str, path: str) -> None:
        with fleet.client(service) as client:
            while not over.is_set():
                assert client.get(path).status_code == 200

    paths = {
        "error-tracker": "/api/errors?limit=100",
        "log-viewer": "/api/logs?limit=500",
        "metrics-collector": "/api/metrics?name=written_total",
        "browser-relay": "/api/dsn-keys",
    }
    readers = [
        threading.Thread(target=read, args=(service, path))
        for service, path in paths.items()
        for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    writers = [Writing(fleet, service) for service in SERVICES]
    largest = dict.fromkeys(SERVICES, 0.0)
    n_writes = int(os.environ.get("FAULT_WRITES", "500"))

    def has_written() -> bool:
        for service in SERVICES:
            largest[service] = max(largest[service], fleet.wal_mb(service))
        is_refused = any(writer.refusals for writer in writers)
        return is_refused or min(writer.acknowledged for writer in writers) >= n_writes

    until(f"{n_writes} writes to each", has_written, patience=10 * PATIENCE)
    over.set()
    for thread in readers:
        thread.join()
    for writer in writers:
        assert not writer.stop().refusals, writer.last_refusal
        assert writer.acknowledged
    assert max(largest.values()) < 64, largest
    saw(
        "writes beside readers that never rest",
        "largest write-ahead log " + ", ".join(f"{s} {mb:.1f} MB" for s, mb in largest.items()),
    )
