"""Secrets of all four services are told to nobody: not in the log at its wordiest, not in an answer, a page or the
process list, not by `check-config` or `doctor`. Each has a marker of this test in it, and nothing else has."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ports import free_ports

from stack import PATIENCE, ROOT, SERVICES, built

MARKER = "m4rk3r"
ADMIN = f"mk_admin_{MARKER}"
READER = f"mk_reader_{MARKER}"
WRONG = f"mk_wrong_{MARKER}"
# Nothing listens there: what is to be sent is tried, fails, and is logged.
NOWHERE = "http://127.0.0.1:1"
CHANNELS = [
    {"name": "signed", "kind": "webhook", "target": f"{NOWHERE}/hook/{MARKER}?token={MARKER}"},
    {"name": "chat", "kind": "slack", "target": f"{NOWHERE}/services/T0/B0/{MARKER}"},
    {"name": "call", "kind": "discord", "target": f"{NOWHERE}/api/webhooks/1/{MARKER}"},
    {"name": "push", "kind": "ntfy", "target": f"{NOWHERE}/topic-{MARKER}", "secret": f"tk_{MARKER}"},
]
ROW = re.compile(r'\.get\(\s*"([^"]+)"')


def variables(service: str, folder: Path, port: int) -> dict[str, str]:
    keys = folder / "keys.toml"
    keys.write_text(f'[[keys]]\nname = "reader"\nkey = "{READER}"\nscopes = ["read"]\n')
    given = {
        "PATH": os.environ.get("PATH", ""),
        "LISTEN_ADDR": f"127.0.0.1:{port}",
        "DATABASE_PATH": str(folder / "data.db"),
        "API_KEYS_FILE": str(keys),
        "SESSION_SECRET": f"a secret of the sessions {MARKER}",
        "LOG_LEVEL": "trace",
        "RATE_LIMIT": "0",
        "RATE_LIMIT_KEY": "0",
    }
    if service == "browser-relay":
        given |= {"ADMIN_API_KEY": ADMIN, "DSN_KEYS": "shop:public_key_of_pages"}
        for other in SERVICES[:3]:
            name = other.upper().replace("-", "_")
            given |= {f"{name}_URL": NOWHERE, f"{name}_API_KEY": f"mk_{other}_{MARKER}"}
        return given
    mail = {"HOST": "127.0.0.1", "PORT": "1", "USERNAME": "ops", "PASSWORD": f"password {MARKER}"}
    given |= {f"SMTP_{name}": value for name, value in mail.items()}
    given |= {"API_KEY": ADMIN, "ALERT_EMAILS": "ops@example.com", "ALERT_ALLOW_PRIVATE": "yes"}
    if service == "metrics-collector":
        targets = f"{NOWHERE}/metrics"
        given |= {"SCRAPE_TARGETS": targets, "SCRAPE_TOKEN": f"scrape {MARKER}", "SCRAPE_INTERVAL": "1s"}
    if service == "log-viewer":
        given["LOG_SOURCES"] = str(folder / "containers")
    return given


class Running:
    """One service, and everything it said."""

    def __init__(self, service: str, folder: Path) -> None:
        self.service = service
        [port] = free_ports(1)
        self.environment = variables(service, folder, port)
        self.url = f"http://127.0.0.1:{port}"
        self.file = folder / "log"
        with self.file.open("w") as log:
            self.process = subprocess.Popen([built(service)], env=self.environment, stdout=log, stderr=log)
        self.said: list[tuple[str, str]] = []
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, verify=False)

    @property
    def log(self) -> str:
        return self.file.read_text()

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        """Streams are left after their head. The cookie of a sign-in is its owner's, and nobody else's."""
        with self.client.stream(method, path, **asked) as answer:
            head = [f"{name}: {value}" for name, value in answer.headers.items() if name != "set-cookie"]
            is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
            body = "" if is_stream else answer.read().decode(errors="replace")
        self.client.cookies.clear()
        self.said.append((f"{method} {path}", "\n".join([*head, body])))
        return answer

    def run(self, command: str) -> None:
        done = subprocess.run(
            [built(self.service), command], env=self.environment, capture_output=True, text=True, check=False
        )
        self.said.append((command, done.stdout + done.stderr))


@pytest.fixture(params=SERVICES)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    running = Running(request.param, tmp_path)
    try:
        while "listening on" not in running.log:
            assert running.process.poll() is None, running.log
        yield running
    finally:
        running.process.kill()
        running.process.wait(PATIENCE)
        running.client.close()


def paths(service: str) -> list[str]:
    """All that can be read, of its own tables of URLs and those that it shares."""
    tables = [ROOT / service / "src/routes.rs", *(ROOT / "shared").glob("*/src/routes.rs")]
    return [re.sub(r"\{[^}]*\}", "1", path) for table in tables for path in ROW.findall(table.read_text())]


def sign_in(running: Running) -> str:
    """The cookie's value."""
    headers = {"Origin": running.url}
    answer = running.ask("POST", "/login", data={"key": ADMIN}, headers=headers, follow_redirects=False)
    assert answer.status_code == 303, answer.status_code
    return answer.headers["set-cookie"].split("=", 1)[1].split(";")[0]


def add_channels(running: Running) -> list[str]:
    """Channels that are tried at once. What a webhook is signed with is told once, to who made it."""
    told = []
    for channel in CHANNELS:
        answer = running.client.post("/api/channels", json=channel, headers={"X-API-Key": ADMIN})
        assert answer.status_code == 201, answer.text
        told += [answer.json()["secret"]] if channel["kind"] == "webhook" else []
        running.ask("POST", f"/api/channels/{answer.json()['id']}/test", headers={"X-API-Key": ADMIN})
    running.ask("POST", "/api/test-alert", headers={"X-API-Key": ADMIN})
    return told


def test_no_secret_is_told(running: Running) -> None:
    session = sign_in(running)
    secrets = [MARKER, session, *(add_channels(running) if running.service != "browser-relay" else [])]
    assert all(len(secret) >= len(MARKER) for secret in secrets)
    for who in [
        {"Cookie": f"monlight={session}", "Accept": "text/html"},
        {"X-API-Key": READER},
        {"Authorization": f"Bearer {WRONG}"},
    ]:
        for path in paths(running.service):
            running.ask("GET", path, headers=who)
    for path in ["/", "/nothing", "/api/nothing"]:
        running.ask("GET", f"{path}?api_key={WRONG}", headers={"Accept": "text/html"})
    for form, field in [("/login", "key"), ("/login/link", "token")]:
        running.ask("POST", form, data={field: WRONG}, headers={"Origin": running.url})
    for command in ["check-config", "doctor", "--help"]:
        running.run(command)
    for part in ["cmdline", "comm"]:
        running.said.append((part, Path(f"/proc/{running.process.pid}/{part}").read_text()))

    running.process.terminate()
    assert running.process.wait(PATIENCE) == 0, running.log
    assert "DEBUG" in running.log, "the log is as wordy as it gets"
    for what, text in [*running.said, ("the log", running.log)]:
        for secret in secrets:
            where = text.find(secret)
            assert where < 0, (
                f"{running.service}: {what} holds a secret: {json.dumps(text[max(0, where - 200) : where + 80])}"
            )
