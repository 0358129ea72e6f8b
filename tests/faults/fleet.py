"""The four real services as processes of the test: started under limits, killed, stopped, frozen, started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("error-tracker", "log-viewer", "metrics-collector", "browser-relay")
KEY = "key-of-the-tests-0123456789"
DSN_KEY = "0123456789abcdef0123456789abcdef"
PATIENCE = 60.0
"""Seconds after which something that should be quick has failed, on a busy machine."""


def binary(service: str) -> Path:
    """`MONLIGHT_BIN` is the folder of the binaries; relative to the root of the repository."""
    return ROOT / os.environ.get("MONLIGHT_BIN", "target/debug") / service


def until(what: str, is_so: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + patience
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.05)
    return found


class Fleet:
    """The four of them in a folder; each keeps its port and its database over all its lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.settings: dict[str, dict[str, object]] = {service: {} for service in SERVICES}
        """What a test adds to a service's variables."""
        self.data = {service: folder / service for service in SERVICES}
        """A service's folder; a test may mount another file system there."""
        for path in self.data.values():
            path.mkdir()

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def database(self, service: str) -> Path:
        return self.data[service] / "monlight.db"

    def environment(self, service: str) -> dict[str, str]:
        settings: dict[str, object] = {
            "LISTEN_ADDR": f"127.0.0.1:{self.ports[service]}",
            "DATABASE_PATH": self.database(service),
            "ADMIN_API_KEY" if service == "browser-relay" else "API_KEY": KEY,
            "SESSION_SECRET": "session-secret-of-the-tests-0123456789",
            "RATE_LIMIT": 0,
            "RATE_LIMIT_KEY": 0,
            "NOISE_FILTERS": "none",
        }
        if service == "browser-relay":
            settings["DSN_KEYS"] = f"web:{DSN_KEY}"
            for other in SERVICES[:3]:
                name = other.upper().replace("-", "_")
                settings |= {f"{name}_URL": self.url(other), f"{name}_API_KEY": KEY}
        return {
            "PATH": os.environ.get("PATH", ""),
            **{name: str(value) for name, value in (settings | self.settings[service]).items()},
        }

    def launch(self, service: str, *before: object) -> subprocess.Popen[bytes]:
        """Starts it, `before` standing before the binary; does not wait."""
        with self.log_path(service).open("ab") as log:
            process = subprocess.Popen(
                [*map(str, before), str(binary(service))],
                env=self.environment(service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes[service] = process
        return process

    def start(self, services: Sequence[str] = SERVICES, *before: object) -> None:
        """Starts them, and waits until each would store a write."""
        for service in services:
            self.launch(service, *before)
        for service in services:
            until(
                f"{service} is ready: {self.log(service)[-2000:]}",
                lambda service=service: self.is_ready(service),
            )

    def is_ready(self, service: str) -> bool:
        assert self.processes[service].poll() is None, f"{service} has ended: {self.log(service)[-2000:]}"
        try:
            return self.ask(service, "/ready").status_code == 200
        except httpx.TransportError:
            return False

    def lives(self, service: str) -> bool:
        try:
            return self.ask(service, "/health").status_code == 200
        except httpx.TransportError:
            return False

    def send(self, service: str, which: signal.Signals) -> None:
        self.processes[service].send_signal(which)

    def kill(self, services: Sequence[str] = SERVICES) -> None:
        """All at once, as a machine that goes down does."""
        for service in services:
            self.send(service, signal.SIGKILL)
        for service in services:
            self.processes[service].wait(PATIENCE)

    def stop(self, service: str) -> int:
        """By SIGTERM; returns its exit code."""
        self.send(service, signal.SIGTERM)
        return self.processes[service].wait(PATIENCE)

    def end(self) -> None:
        for service, process in self.processes.items():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait(PATIENCE)
            print(f"--- {service}\n{self.log(service)[-4000:]}")

    def log_path(self, service: str) -> Path:
        return self.folder / f"{service}.log"

    def log(self, service: str) -> str:
        path = self.log_path(service)
        return path.read_text(errors="replace") if path.exists() else ""

    def ask(self, service: str, path: str, **parameters: Any) -> httpx.Response:
        with self.client(service) as client:
            return client.get(path, params=parameters)

    def client(self, service: str) -> httpx.Client:
        """With the key, over a connection that is kept."""
        return httpx.Client(
            base_url=self.url(service),
            headers={"X-API-Key": KEY},
            timeout=PATIENCE,
            trust_env=False,
            verify=False,
        )

    def resident_mb(self, service: str) -> float:
        return self._status(service, "VmRSS") / 1024

    def _status(self, service: str, name: str) -> int:
        lines = Path(f"/proc/{self.processes[service].pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def wal_mb(self, service: str) -> float:
        wal = self.database(service).with_name("monlight.db-wal")
        return wal.stat().st_size / 1e6 if wal.exists() else 0.0
