"""The examples run, and what they tell arrives in the real services."""

import os
import subprocess
import sys
from pathlib import Path

from collector import Collector
from tracker import KEY, Tracker

PACKAGE = Path(__file__).resolve().parents[1]


def test_the_three_apps_tell_all_three_services(
    tracker: Tracker, viewer: Tracker, collector: Collector
) -> None:
    done = subprocess.run(
        [sys.executable, PACKAGE / "examples" / "drive.py"],
        env={
            **os.environ,
            "PYTHONPATH": str(PACKAGE),
            "MONLIGHT_API_KEY": KEY,
            "MONLIGHT_ERROR_TRACKER_URL": tracker.url,
            "MONLIGHT_LOG_VIEWER_URL": viewer.url,
            "MONLIGHT_METRICS_COLLECTOR_URL": collector.url,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    groups = {(row["project"], row["exception_type"]) for row in tracker.get("/api/errors")["errors"]}
    assert groups == {
        ("shop-api", "KeyError"),
        ("shop-api", "ConnectError"),
        ("back-office", "ZeroDivisionError"),
        ("blog", "KeyError"),
    }
    for project in ("shop-api", "back-office", "blog"):
        assert collector.total("http_requests_total", project=project)["sum"] == 60
        assert viewer.get("/api/logs", container=project)["total"] > 3
    told = collector.get("/api/v1/metrics/aggregate", interval="1min")
    consumers = {row["consumer"] for row in told["consumers"]}
    assert {row["service"] for row in told["endpoints"]} == {"shop-api", "back-office", "blog"}
    assert {"4711", "4712", "4713", "anonymous"} <= consumers
