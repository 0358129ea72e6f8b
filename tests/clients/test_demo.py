"""`make demo`: the shop's errors arrive, in the numbers that `demo/demo.py` says."""

import os
import subprocess
import sys

from tracker import KEY, ROOT, Tracker


def test_the_demo_fills_a_tracker(tracker: Tracker) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "ERROR_TRACKER_URL": tracker.url, "API_KEY": KEY}
    demo = subprocess.run(
        [sys.executable, ROOT / "demo" / "demo.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (demo.returncode, demo.stderr) == (0, "")
    assert "930 reports sent" in demo.stdout

    errors = tracker.get("/api/errors", resolved="all", limit="200")["errors"]
    assert sum(error["count"] for error in errors) == 930
    assert len(errors) >= 20
    assert {error["project"] for error in errors} == {
        "shop-api",
        "shop-worker",
        "shop-web",
        "newsletter",
        "warehouse",
    }
    assert {error["source"] for error in errors} == {"server", "browser"}
    assert {error["exception_type"] for error in errors if error["resolved"]} == {
        "ZeroDivisionError",
        "UnicodeEncodeError",
        "FileNotFoundError",
    }
    assert tracker.get("/api/environments") == {"environments": ["production", "staging"]}
