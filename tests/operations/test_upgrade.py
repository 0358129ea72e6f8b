"""Upgrades one by one, and the way back by itself when the new binary does not get ready.

Old and new are scripts around the binaries of this build, which differ in what goes wrong. `MONLIGHT_OLD_BIN` names a
folder with binaries of an earlier version to begin with; those that it lacks are of this build.
"""

import os
import textwrap
from pathlib import Path

import pytest

from stack import SERVICES, Stack, built

EARLIER = os.environ.get("MONLIGHT_OLD_BIN")


def put_script(file: Path, body: str) -> None:
    file.parent.mkdir(exist_ok=True)
    # A script that was linked would be written through.
    file.unlink(missing_ok=True)
    file.write_text(textwrap.dedent(body))
    file.chmod(0o755)


def put_working(folder: Path, service: str, remark: str, binary: Path | None = None) -> None:
    put_script(folder / service, f'#!/bin/bash\n# {remark}\nexec "{binary or built(service)}" "$@"\n')


@pytest.fixture
def installed(stopped_stack: Stack) -> Stack:
    """With the binaries of before in place, and something stored in each."""
    stack = stopped_stack
    for service in SERVICES:
        earlier = Path(EARLIER or "/nonexistent") / service
        put_working(stack.lib, service, "old", earlier if earlier.exists() else None)
    stack.start()
    for service, (path, body, _) in STORED.items():
        with stack.client(service) as client:
            client.post(path, json=body).raise_for_status()
    assert_all_stored(stack)
    return stack


STORED: dict[str, tuple[str, object, str]] = {
    "error-tracker": (
        "/api/errors",
        {"project": "shop", "exception_type": "E", "message": "kept", "traceback": "t"},
        "/api/errors?project=shop",
    ),
    "log-viewer": ("/api/logs", [{"container": "shop", "message": "kept"}], "/api/logs?container=shop"),
    "metrics-collector": (
        "/api/metrics",
        [{"name": "kept", "type": "counter", "value": 1, "project": "shop"}],
        "/api/metrics/names?project=shop",
    ),
    "browser-relay": ("/api/dsn-keys", {"project": "kept"}, "/api/dsn-keys"),
}


def assert_all_stored(stack: Stack) -> None:
    for service, (_, _, path) in STORED.items():
        with stack.client(service) as client:
            assert "kept" in client.get(path).raise_for_status().text, service


def test_all_four_are_upgraded_with_their_data_and_brought_back(installed: Stack) -> None:
    new = installed.folder / "new"
    for service in SERVICES:
        put_working(new, service, "new")
    said = installed.script("upgrade.sh", "--bin", new)
    assert "upgraded and ready: " + " ".join(SERVICES) in said
    assert all("# new" in (installed.lib / service).read_text() for service in SERVICES)
    assert_all_stored(installed)
    assert "in place already" in installed.script("upgrade.sh", "--bin", new)

    installed.script("upgrade.sh", "--back", *(["--lose-newer"] if EARLIER else []))
    assert all("# old" in (installed.lib / service).read_text() for service in SERVICES)
    assert_all_stored(installed)
    if not EARLIER:
        installed.script("smoke-test.sh")


def test_a_binary_that_ends_at_once_is_rolled_back(installed: Stack) -> None:
    new = installed.folder / "new"
    put_working(new, "error-tracker", "new")
    put_script(
        new / "log-viewer",
        f"""\
        #!/bin/bash
        [ $# -gt 0 ] || {{ echo "broken" >&2; exit 1; }}
        exec "{built("log-viewer")}" "$@"
        """,
    )
    done = installed.try_script("upgrade.sh", "--bin", new, "error-tracker", "log-viewer")
    assert done.returncode == 1
    assert "log-viewer: rolled back, the database as it is" in done.stdout
    assert "# new" in (installed.lib / "error-tracker").read_text()
    assert "# old" in (installed.lib / "log-viewer").read_text()
    assert_all_stored(installed)


def test_one_that_spoils_the_database_first_is_rolled_back_with_the_backup(installed: Stack) -> None:
    new = installed.folder / "new"
    put_script(
        new / "error-tracker",
        f"""\
        #!/usr/bin/env python3
        # Migrates, and then fails.
        import os, sqlite3, sys
        if len(sys.argv) > 1:
            os.execv({str(built("error-tracker"))!r}, ["error-tracker", *sys.argv[1:]])
        database = sqlite3.connect(os.environ["DATABASE_PATH"])
        database.executescript("drop table groups; pragma user_version = 9999;")
        sys.exit("broken")
        """,
    )
    done = installed.try_script("upgrade.sh", "--bin", new, "error-tracker")
    assert done.returncode == 1
    assert "error-tracker: rolled back, with the backup" in done.stdout
    assert_all_stored(installed)


def test_one_that_never_gets_ready_is_rolled_back(installed: Stack) -> None:
    new = installed.folder / "new"
    put_script(
        new / "browser-relay",
        f"""\
        #!/bin/bash
        [ $# -gt 0 ] || exec sleep 300
        exec "{built("browser-relay")}" "$@"
        """,
    )
    done = installed.try_script("upgrade.sh", "--bin", new, "browser-relay", READY_SECONDS=1)
    assert done.returncode == 1 and "did not get ready" in done.stdout
    assert_all_stored(installed)


def test_nothing_is_stopped_for_a_binary_that_does_not_take_the_settings(installed: Stack) -> None:
    new = installed.folder / "new"
    put_script(new / "metrics-collector", "#!/bin/bash\nexit 1\n")
    pid = (installed.state / "metrics-collector.pid").read_text()
    done = installed.try_script("upgrade.sh", "--bin", new, "metrics-collector")
    assert done.returncode == 1 and "nothing was changed" in done.stdout
    assert (installed.state / "metrics-collector.pid").read_text() == pid
    assert_all_stored(installed)
