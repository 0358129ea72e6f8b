"""Backups of all four under writes, and the way back from them: nothing acknowledged before one began is missing."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from stack import KEY, SERVICES, Stack


def an_error(n: int) -> dict[str, object]:
    return {
        "project": "shop",
        "exception_type": f"E{n}",
        "message": "m",
        "traceback": f'File "f{n}.py", line 1',
    }


def a_line(n: int) -> list[dict[str, object]]:
    return [{"container": "shop", "message": f"line number{n}"}]


def a_sample(n: int) -> list[dict[str, object]]:
    return [{"name": "written_total", "type": "counter", "value": 1, "project": "shop"}]


def a_key(n: int) -> dict[str, object]:
    return {"project": f"shop-{n}"}


WRITES: dict[str, tuple[str, Callable[[int], object]]] = {
    "error-tracker": ("/api/errors", an_error),
    "log-viewer": ("/api/logs", a_line),
    "metrics-collector": ("/api/metrics", a_sample),
    "browser-relay": ("/api/dsn-keys", a_key),
}


class Writing:
    """Writes to one service from a thread of its own, one request after the other, until it is told to stop."""

    def __init__(self, stack: Stack, service: str) -> None:
        self._client, (self._path, self._make) = stack.client(service), WRITES[service]
        self.n_acknowledged = 0
        self._over, self._some = threading.Event(), threading.Event()
        self._refused: str | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._client as client:
            while not self._over.is_set():
                answer = client.post(self._path, json=self._make(self.n_acknowledged))
                if not answer.is_success:
                    self._refused = f"{answer.status_code} {answer.text}"
                    self._some.set()
                    return
                self.n_acknowledged += 1
                if self.n_acknowledged == 50:
                    self._some.set()

    def wait_for_some(self) -> None:
        assert self._some.wait(60) and not self._refused, self._refused

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)
        assert not self._refused, self._refused


def n_stored(stack: Stack, service: str) -> int:
    """Over HTTP, as a user sees it."""
    if service == "error-tracker":
        return stack.get(service, "/api/errors", project="shop", limit=1)["total"]
    if service == "log-viewer":
        return stack.get(service, "/api/logs", container="shop", limit=1, count="exact")["total"]
    if service == "metrics-collector":
        answer = stack.get(service, "/api/metrics", name="written_total", project="shop", period="1h")
        return round(sum(bucket["sum"] for bucket in answer["data"]))
    return len(stack.get(service, "/api/dsn-keys")["keys"])


def only_backup(stack: Stack) -> Path:
    [folder] = [entry for entry in stack.backups.iterdir() if entry.is_dir()]
    return folder


def test_all_that_was_acknowledged_before_a_backup_comes_back(stack: Stack) -> None:
    writing = {service: Writing(stack, service) for service in SERVICES}
    for writer in writing.values():
        writer.wait_for_some()
    before = {service: writer.n_acknowledged for service, writer in writing.items()}
    report = stack.script("backup.sh")
    for writer in writing.values():
        writer.stop()
    after = {service: writer.n_acknowledged for service, writer in writing.items()}
    assert report.count("verified") == len(SERVICES)
    folder = only_backup(stack)
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.iterdir()]} == {0}

    assert "whole: " in stack.script("restore.sh", "--check", folder)
    assert {service: n_stored(stack, service) for service in SERVICES} == after, "a check changes nothing"

    said = stack.script("restore.sh", folder)
    assert said.count("restored: ") == len(SERVICES)
    restored = {service: n_stored(stack, service) for service in SERVICES}
    for service in SERVICES:
        assert before[service] <= restored[service] <= after[service], (before, restored, after)
    # What it replaced is still there, and all four go on as before.
    assert all(list(stack.database(service).parent.glob("*.replaced-1")) for service in SERVICES)
    stack.script("smoke-test.sh")


def test_a_damaged_backup_is_refused_and_the_service_goes_on(stack: Stack) -> None:
    with stack.client("error-tracker") as client:
        client.post("/api/errors", json=an_error(1)).raise_for_status()
    stack.script("backup.sh", "error-tracker")
    folder = only_backup(stack)
    copy = folder / "error-tracker.db"
    whole = copy.read_bytes()
    copy.write_bytes(whole[: len(whole) // 2])
    refused = stack.try_script("restore.sh", folder)
    assert refused.returncode == 1 and "not as it was made" in refused.stdout
    # Even where the sums were made of the damaged file.
    subprocess.run(
        "sha256sum -- *.db *.rows *.version *.tar > SHA256SUMS", shell=True, cwd=folder, check=True
    )
    refused = stack.try_script("restore.sh", folder, "error-tracker")
    assert refused.returncode == 1 and "not restored: error-tracker" in refused.stdout
    assert n_stored(stack, "error-tracker") == 1
    assert stack.try_script("restore.sh", folder, "log-viewer").returncode == 1


def test_old_backups_go_and_a_failed_one_takes_none_with_it(stack: Stack) -> None:
    for _ in range(3):
        stack.script("backup.sh", "browser-relay", KEEP_BACKUPS=2)
    kept = sorted(entry.name for entry in stack.backups.iterdir() if entry.is_dir())
    assert len(kept) == 2
    stack.control("stop", ["log-viewer"])
    stack.database("log-viewer").write_bytes(b"this is a letter, not a database. " * 500)
    failed = stack.try_script("backup.sh", KEEP_BACKUPS=1)
    assert failed.returncode != 0 and "log-viewer" in failed.stdout
    assert sorted(entry.name for entry in stack.backups.iterdir() if entry.is_dir()) == kept


def test_a_backup_of_nothing_is_no_success(stack: Stack) -> None:
    for settings in stack.etc.glob("*.env"):
        settings.rename(settings.with_suffix(".away"))
    failed = stack.try_script("backup.sh")
    for settings in stack.etc.glob("*.away"):
        settings.rename(settings.with_suffix(".env"))
    assert failed.returncode == 1 and "nothing to back up" in failed.stdout


def test_an_encrypted_backup_shows_nothing_and_comes_back(stack: Stack) -> None:
    gpg = ["gpg", "--batch", "--quiet", "--homedir", str(stack.folder / ".gnupg")]
    (stack.folder / ".gnupg").mkdir(mode=0o700)
    try:
        made = [*gpg, "--passphrase", "", "--quick-generate-key", "ops@example.com", "default", "default"]
        subprocess.run(made, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("gpg is not installed")
    with stack.client("error-tracker") as client:
        client.post("/api/errors", json=an_error(7)).raise_for_status()
    stack.script("backup.sh", GPG_RECIPIENT="ops@example.com")
    folder = only_backup(stack)
    for file in folder.iterdir():
        content = file.read_bytes()
        assert b"SQLite format" not in content and KEY.encode() not in content, file
    with stack.client("error-tracker") as client:
        client.delete("/api/errors/1").raise_for_status()
    stack.script("restore.sh", folder, "error-tracker")
    assert n_stored(stack, "error-tracker") == 1
    subprocess.run(
        ["gpgconf", "--homedir", stack.folder / ".gnupg", "--kill", "all"], check=False, timeout=60
    )


def test_the_smoke_test_tells_what_does_not_work(stack: Stack) -> None:
    assert stack.script("smoke-test.sh").endswith(", 0 failed\n")
    stack.control("stop", ["metrics-collector"])
    failed = stack.try_script("smoke-test.sh", "error-tracker", "metrics-collector")
    assert failed.returncode == 1
    lines = failed.stdout.splitlines()
    assert all("metrics-collector" in line for line in lines if line.startswith("FAIL"))
    assert any(line.startswith("ok") and "error-tracker" in line for line in lines)
    assert httpx.get(stack.url("error-tracker") + "/health", trust_env=False).status_code == 200
