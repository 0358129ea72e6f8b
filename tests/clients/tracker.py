"""The real `error-tracker`: one process with a database of its own, driven over HTTP."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
KEY = "key-of-the-tests-0123456789"
STOP_TIMEOUT = 60.0

_LISTENING = re.compile(r"listening on (http://\S+)")


def binary(name: str) -> Path:
    """`MONLIGHT_BIN` is the folder of the binaries; relative to the root of the repository."""
    return ROOT / os.environ.get("MONLIGHT_BIN", "target/debug") / name


class Tracker:
    """A tracker that may be stopped and started again on its database."""

    name = "error-tracker"

    def __init__(self, folder: Path, **variables: object) -> None:
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "LISTEN_ADDR": "127.0.0.1:0",
            "DATABASE_PATH": str(folder / "errors.db"),
            "API_KEY": KEY,
            **{name: str(value) for name, value in variables.items()},
        }
        self.database = folder / "errors.db"
        self._log: list[str] = []
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> "Tracker":
        """Returns once it listens."""
        n_before = len(self._log)
        self._process = subprocess.Popen(
            [binary(self.name)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._follow, args=[self._process], daemon=True)
        self._reader.start()
        self.url = self.wait_for_log(_LISTENING, since=n_before)[1]
        return self

    def stop(self) -> None:
        """SIGTERM; it must end well."""
        assert self._end(signal.SIGTERM) == 0

    def kill(self) -> None:
        """SIGKILL, as by a crash."""
        self._end(signal.SIGKILL)

    def is_running(self) -> bool:
        return self._process is not None

    def _end(self, how: signal.Signals) -> int:
        assert self._process
        process, self._process = self._process, None
        process.send_signal(how)
        status = process.wait(STOP_TIMEOUT)
        self._reader.join(STOP_TIMEOUT)
        return status

    def _follow(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr
        with process.stderr as lines:
            for line in lines:
                with self._changed:
                    self._log.append(line)
                    self._changed.notify_all()

    @property
    def log(self) -> str:
        return "".join(self._log)

    def wait_for_log(
        self, words: str | re.Pattern[str], since: int = 0, timeout: float = PATIENCE
    ) -> re.Match:
        """The first match in a line of the log, at or after line `since`."""

        def find() -> re.Match[str] | None:
            return next((found for line in self._log[since:] if (found := re.search(words, line))), None)

        with self._changed:
            found = self._changed.wait_for(find, timeout)
        assert found, f"never logged: {words}"
        return found

    def client(self) -> httpx.Client:
        """With the key."""
        return self._http(headers={"X-API-Key": KEY})

    def _http(self, **options: Any) -> httpx.Client:
        # `verify=False`: all is plain HTTP, and loading certificates would take longer than the requests.
        return httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, verify=False, **options)

    def get(self, path: str, **parameters: str) -> Any:
        with self.client() as client:
            return client.get(path, params=parameters).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        with self.client() as client:
            return client.post(path, json=body) if body is not None else client.post(path)

    def tell_each_by_itself(self, n: int, by: str) -> list[str]:
        """Makes a mail address for each of `n` projects or environments, p0 … or e0 …; returns the addresses.

        Many new errors at once are one digest, but each address has its own count.
        """
        with self.client() as client:
            client.delete("/api/rules/1").raise_for_status()
        addresses = [f"ops{number}@example.com" for number in range(n)]
        for number, address in enumerate(addresses):
            channel = self.post("/api/channels", {"kind": "mail", "target": address}).raise_for_status()
            rule = {by: f"{by[0]}{number}", "on_created": True, "channel_id": channel.json()["id"]}
            self.post("/api/rules", rule).raise_for_status()
        return addresses

    def report(self, **fields: Any) -> dict[str, Any]:
        """Files a report; what is not said is made up."""
        report = {
            "project": "shop",
            "exception_type": "ValueError",
            "message": "bad amount",
            "traceback": 'Traceback\n  File "pay.py", line 3, in pay\nValueError: bad amount\n',
            **fields,
        }
        with self.client() as client:
            return client.post("/api/errors", json=report).raise_for_status().json()

    def resolve(self, group_id: int) -> None:
        self.post(f"/api/errors/{group_id}/resolve").raise_for_status()

    def n_mails_waiting(self) -> int:
        """Alerts to be sent, now or later. From the database: the figure in `/metrics` is some seconds old."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            [(count,)] = database.execute(
                "select (select count(*) from alerts)"
                " + (select count(*) from deliveries where next_attempt_at is not null or is_held = 1)"
            )
            return count

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A browser's session: signed in by the form, no key."""
        with self._http(headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=True) as browser:
            page = browser.post("/login", data={"key": KEY}).raise_for_status()
            assert page.url.path == "/", page.url
            yield browser
