"""All four real services as `deploy/` leaves them: settings in files, binaries in a folder, driven by its scripts."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("error-tracker", "log-viewer", "metrics-collector", "browser-relay")
KEY = "key-of-the-tests-0123456789"
PATIENCE = 60.0
"""Seconds after which something that should be quick has failed, on a busy machine."""


def built(service: str) -> Path:
    """`MONLIGHT_BIN` is the folder of the binaries; relative to the root of the repository."""
    return ROOT / os.environ.get("MONLIGHT_BIN", "target/debug") / service


class Stack:
    """The four services in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state, self.etc, self.lib = folder / "state", folder / "etc", folder / "lib"
        self.backups = folder / "backups"
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        for made in (self.state, self.etc, self.lib):
            made.mkdir()
        (self.etc / "api.key").write_text(KEY + "\n")
        for service in SERVICES:
            (self.lib / service).symlink_to(built(service))
            lines = "\n".join(f'{name}="{value}"' for name, value in self._settings(service).items())
            (self.etc / f"{service}.env").write_text(f"# Settings of the test.\n{lines}\n")

    def _settings(self, service: str) -> dict[str, object]:
        settings: dict[str, object] = {
            "LISTEN_ADDR": f"127.0.0.1:{self.ports[service]}",
            "DATABASE_PATH": self.database(service),
            ("ADMIN_API_KEY_FILE" if service == "browser-relay" else "API_KEY_FILE"): self.etc / "api.key",
            "SESSION_SECRET": "session-secret-of-the-tests-0123456789",
            "RATE_LIMIT": 0,
            "RATE_LIMIT_KEY": 0,
        }
        if service == "browser-relay":
            for other in SERVICES[:3]:
                name = other.upper().replace("-", "_")
                settings[f"{name}_URL"] = self.url(other)
                settings[f"{name}_API_KEY_FILE"] = self.etc / "api.key"
        return settings

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def database(self, service: str) -> Path:
        return self.state / service / "monlight.db"

    def environment(self, **variables: object) -> dict[str, str]:
        """What the scripts are told; the rest of the tests' environment is not theirs."""
        addresses = {f"{name.upper().replace('-', '_')}_URL": self.url(name) for name in SERVICES}
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "MONLIGHT_ETC": str(self.etc),
            "MONLIGHT_STATE": str(self.state),
            "MONLIGHT_LIB": str(self.lib),
            "MONLIGHT_BACKUPS": str(self.backups),
            "MONLIGHT_CONTROL": str(ROOT / "deploy/without-systemd.sh"),
            "API_KEY_FILE": str(self.etc / "api.key"),
            **addresses,
            **{name: str(value) for name, value in variables.items()},
        }

    def try_script(
        self, name: str, *arguments: object, **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """Runs a script of `deploy/`; its output is shown by pytest if the test fails."""
        done = subprocess.run(
            [ROOT / "deploy" / name, *map(str, arguments)],
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        print(f"$ {name} {' '.join(map(str, arguments))}\n{done.stdout}[exit code {done.returncode}]")
        return done

    def script(self, name: str, *arguments: object, **variables: object) -> str:
        """The same, and it must end well."""
        done = self.try_script(name, *arguments, **variables)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def control(self, verb: str, services: Iterable[str] = SERVICES) -> None:
        for service in services:
            subprocess.run(
                [ROOT / "deploy/without-systemd.sh", verb, service],
                env=self.environment(),
                timeout=PATIENCE,
                check=True,
            )

    def start(self) -> "Stack":
        self.control("start")
        for service in SERVICES:
            self._wait_ready(service)
        return self

    def _wait_ready(self, service: str) -> None:
        command = 'source "$0"; wait_ready "$1"'
        done = subprocess.run(
            ["bash", "-c", command, ROOT / "deploy/lib.sh", service],
            env=self.environment(),
            timeout=2 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, self.log(service)

    def log(self, service: str) -> str:
        file = self.state / f"{service}.log"
        return file.read_text() if file.exists() else ""

    def end(self) -> None:
        self.control("stop")
        for service in SERVICES:
            print(f"--- {service}\n{self.log(service)}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service: str) -> httpx.Client:
        """With the key, over a connection that is kept."""
        # `verify=False`: all is plain HTTP, and loading certificates would take longer than the requests.
        return httpx.Client(
            base_url=self.url(service),
            headers={"X-API-Key": KEY},
            timeout=PATIENCE,
            trust_env=False,
            verify=False,
        )

    def get(self, service: str, path: str, **parameters: object) -> Any:
        with self.client(service) as client:
            return client.get(path, params=parameters).raise_for_status().json()
