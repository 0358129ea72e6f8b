"""The systemd units: systemd understands them, and finds them hardened. Skipped where `systemd-analyze` is not."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stack import ROOT, SERVICES

UNITS = ROOT / "deploy/systemd"
MAX_EXPOSURE = 2.5
"""Of 10; systemd calls 0 to 4.9 OK, and services without any hardening come to 9.6."""

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@needs_systemd
@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.stem)
def test_a_unit_is_hardened(unit: Path) -> None:
    asked = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(unit)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", answer.stdout)
    assert exposure, answer.stdout + answer.stderr
    assert float(exposure[1]) <= MAX_EXPOSURE, answer.stdout


@needs_systemd
def test_systemd_understands_every_line() -> None:
    units = [str(unit) for unit in UNITS.iterdir()]
    answer = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False, timeout=60
    )
    # The binaries are not installed here.
    said = [line for line in answer.stderr.splitlines() if str(UNITS) in line or "monlight" in line]
    assert [line for line in said if "is not executable: No such file" not in line] == []


def test_there_is_one_for_each_service() -> None:
    assert {unit.stem for unit in UNITS.glob("*.service")} == {
        "monlight-backup",
        *(f"monlight-{service}" for service in SERVICES),
    }
