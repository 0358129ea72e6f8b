"""What Compose would give each service: its own binary takes those settings. No Docker is needed for that."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from stack import ROOT, SERVICES, built

DEPLOY = ROOT / "deploy"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder with secrets.env and keys.toml made in it."""
    for name in ("make-secrets.sh", "secrets.env.example"):
        shutil.copy(DEPLOY / name, tmp_path / name)
    subprocess.run([tmp_path / "make-secrets.sh"], check=True, capture_output=True, timeout=30)
    return tmp_path


def secrets(folder: Path) -> dict[str, str]:
    lines = (folder / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled_in(value: object, known: dict[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}` and `${NAME:?error}`, as Compose replaces them."""

    def replace(match: re.Match[str]) -> str:
        if known.get(match[1]):
            return known[match[1]]
        assert not (match[2] or "").startswith(":?"), f"{match[1]} is not set"
        return (match[2] or "").removeprefix(":-")

    return re.sub(r"\$\{(\w+)(:[-?][^}]*)?\}", replace, str(value))


def test_keys_are_made_once_and_are_nobody_elses(made: Path) -> None:
    known = secrets(made)
    keys = [known[name] for name in ("API_KEY", "RELAY_ADMIN_API_KEY", "INGEST_KEY", "SESSION_SECRET")]
    assert len(set(keys)) == 4 and all(len(key) >= 43 for key in keys)
    assert (made / "secrets.env").stat().st_mode & 0o077 == 0
    assert not any(key in (made / "keys.toml").read_text() for key in keys)
    again = subprocess.run([made / "make-secrets.sh"], check=False, capture_output=True, timeout=30)
    assert again.returncode == 1 and secrets(made) == known


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_what_compose_gives_it(made: Path, service: str) -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    known = secrets(made)
    given = compose["services"][service]["environment"].items()
    environment = {name: filled_in(value, known) for name, value in given if value is not None}
    # What the image sets.
    environment |= {"LISTEN_ADDR": "0.0.0.0:8000", "DATABASE_PATH": "/data/monlight.db", "LOG_FORMAT": "json"}
    environment["API_KEYS_FILE"] = str(made / "keys.toml")
    taken = subprocess.run(
        [built(service), "check-config"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert taken.returncode == 0, taken.stderr
    assert known["SESSION_SECRET"] not in taken.stdout
    in_force = {line.split()[0] for line in taken.stdout.splitlines() if line.split()}
    assert set(environment) <= in_force, "a variable that the service does not know"


def test_only_loopback_is_published() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]
    assert set(services) == set(SERVICES)
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
