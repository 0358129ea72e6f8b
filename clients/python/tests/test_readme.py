"""The README's code runs as it is written."""

import logging
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from flask import Flask
from receiver import Receiver
from told import reports

import monlight

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


class PaymentError(Exception):
    pass


def pay() -> None:
    raise PaymentError("refused")


def test_every_block_of_the_readme_runs(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ERROR_TRACKER", "LOG_VIEWER", "METRICS_COLLECTOR"):
        monkeypatch.setenv(f"MONLIGHT_{name}_URL", receiver.url)
    monkeypatch.setenv("MONLIGHT_API_KEY", "k")
    names = {"pay": pay, "PaymentError": PaymentError, "error": ValueError("x"), "monlight": monlight}
    handlers = list(logging.getLogger().handlers)
    assert len(BLOCKS) == 7
    for block in BLOCKS:
        names["app"] = Flask("readme") if "wsgi" in block else FastAPI()
        exec(re.sub(r"http://127\.0\.0\.1:\d+", receiver.url, block), names)  # noqa: S102
    assert monlight.flush()
    for handler in list(logging.getLogger().handlers):
        if handler not in handlers:
            logging.getLogger().removeHandler(handler)
    found = {report.get("message") or report["logentry"]["formatted"]: report for report in reports(receiver)}
    assert found["refused"]["level"] == "warning"
    assert found["refused"]["fingerprint"] == ["payment"]
    assert {"stock is empty", "x"} <= set(found)
