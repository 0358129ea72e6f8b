"""A backup of all four services while they take WRITES (1000) writes a second, and what a restore has of them.

    MONLIGHT_BIN=target/release .venv/bin/python bench/python/backup.py

The load is spread evenly over the four, each from CONNECTIONS (4) connections, each write an event of its own, for
SECONDS (20) before the backup, while it runs, and until it ended. Then all are stopped and restored, and every event
that was acknowledged before the backup began is looked for. It fails if one is missing.
"""

import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/operations"))

from stack import KEY, SERVICES, Stack

WRITES = int(os.environ.get("WRITES", "1000"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "4"))
SECONDS = float(os.environ.get("SECONDS", "20"))


def event(service: str, name: str) -> tuple[str, object]:
    if service == "error-tracker":
        trace = f'File "{name}.py", line 1, in {name}'
        return "/api/errors", {"project": "shop", "exception_type": name, "message": "m", "traceback": trace}
    if service == "log-viewer":
        return "/api/logs", [{"container": "shop", "message": f"told {name} to wait"}]
    if service == "metrics-collector":
        return "/api/metrics", [
            {"name": "written", "type": "counter", "value": 1, "labels": {"of": name[:2]}}
        ]
    return "/api/dsn-keys", {"project": name}


class Writer(threading.Thread):
    """One connection at its share of the rate: late writes follow at once."""

    def __init__(self, stack: Stack, service: str, number: int, until: threading.Event) -> None:
        super().__init__()
        self.service, self.number, self.until = service, number, until
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.ports[service], timeout=30)
        self.acknowledged: list[tuple[float, float, str]] = []
        self.refused: list[str] = []

    def run(self) -> None:
        pause = CONNECTIONS * len(SERVICES) / WRITES
        due = time.monotonic()
        n = 0
        headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
        while not self.until.is_set():
            name = f"w{self.number}x{n}"
            n += 1
            path, body = event(self.service, name)
            began = time.monotonic()
            self.connection.request("POST", path, json.dumps(body), headers)
            answer = self.connection.getresponse()
            text = answer.read()
            if answer.status < 300:
                self.acknowledged.append((began, time.monotonic(), name))
            else:
                self.refused.append(f"{answer.status} {text[:200]!r}")
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))


def stored(stack: Stack, service: str) -> set[str] | int:
    """The names of all events, or for metrics their number."""
    with stack.client(service) as client:
        if service == "error-tracker":
            lines = client.get("/api/export").raise_for_status().text.splitlines()
            return {json.loads(line)["exception_type"] for line in lines}
        if service == "log-viewer":
            lines = (
                client.get("/api/logs/export", params={"container": "shop"})
                .raise_for_status()
                .text.splitlines()
            )
            return {json.loads(line)["message"].split()[1] for line in lines}
        if service == "metrics-collector":
            answer = client.get("/api/metrics", params={"name": "written", "period": "1h"})
            return round(sum(bucket["sum"] for bucket in answer.raise_for_status().json()["data"]))
        keys = client.get("/api/dsn-keys").raise_for_status().json()["keys"]
        return {key["project"] for key in keys}


def delay_ms(writers: list[Writer], begin: float, end: float) -> str:
    took = [after - before for w in writers for before, after, _ in w.acknowledged if begin <= before < end]
    if len(took) < 2:
        return "none"
    return (
        f"p50 {statistics.median(took) * 1e3:.1f}, p99 {statistics.quantiles(took, n=100)[98] * 1e3:.1f} ms"
    )


def measure(stack: Stack) -> int:
    over = threading.Event()
    writers = [
        Writer(stack, service, number * len(SERVICES) + place, over)
        for place, service in enumerate(SERVICES)
        for number in range(CONNECTIONS)
    ]
    began = time.monotonic()
    for writer in writers:
        writer.start()
    time.sleep(SECONDS)
    backup_began = time.monotonic()
    stack.script("backup.sh")
    backup_ended = time.monotonic()
    over.set()
    for writer in writers:
        writer.join()
    rate = sum(len(writer.acknowledged) for writer in writers) / (backup_ended - began)
    print(f"{rate:.0f} writes/s acknowledged, {sum(len(w.refused) for w in writers)} refused")
    print(f"backup of all four: {backup_ended - backup_began:.1f} s")
    print(f"a write before: {delay_ms(writers, began, backup_began)}")
    print(f"a write meanwhile: {delay_ms(writers, backup_began, backup_ended)}")

    [folder] = [entry for entry in stack.backups.iterdir() if entry.is_dir()]
    stack.script("restore.sh", folder)
    n_lost = 0
    for service in SERVICES:
        mine = [writer for writer in writers if writer.service == service]
        before = {name for w in mine for _, after, name in w.acknowledged if after < backup_began}
        found = stored(stack, service)
        lost = max(0, len(before) - found) if isinstance(found, int) else len(before - found)
        n_found = found if isinstance(found, int) else len(found)
        n_all = sum(len(writer.acknowledged) for writer in mine)
        print(
            f"{service}: {n_all} acknowledged, {len(before)} before the backup, {n_found} restored, {lost} missing"
        )
        n_lost += lost
    return n_lost


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            return 1 if measure(stack.start()) else 0
        finally:
            stack.control("stop")


if __name__ == "__main__":
    sys.exit(main())
