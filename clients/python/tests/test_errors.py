"""Reports in the real tracker: what it shows of them, how it groups them, and what never leaves the process."""

import json
import logging
from typing import Any

import pytest
from receiver import Receiver
from tracker import KEY, Tracker

import monlight
from monlight import ErrorClient
from monlight.report import REPORT_BYTES


class OutOfStock(Exception):
    pass


# Not in the code around, which is sent.
SECRET = "hunter" + str(2)


def sell(sku: str) -> None:
    password = SECRET
    basket = {"sku": sku, "token": password, "n": 3}
    raise OutOfStock(f"no {sku} left {len(basket)}")


def sold(sku: str) -> Exception:
    try:
        try:
            sell(sku)
        except OutOfStock as error:
            raise RuntimeError("order failed") from error
    except RuntimeError as error:
        return error
    raise AssertionError


def only_group(tracker: Tracker) -> dict[str, Any]:
    [row] = tracker.get("/api/errors")["errors"]
    group: dict[str, Any] = tracker.get(f"/api/errors/{row['id']}")
    return group


def test_a_report_has_everything_that_the_tracker_shows(tracker: Tracker) -> None:
    errors = ErrorClient(
        tracker.url,
        KEY,
        "shop",
        environment="prod",
        release="shop@1.2.0",
        server_name="web-1",
        tags={"region": "eu"},
        with_local_variables=True,
    )
    with monlight.scope("POST /orders"):
        monlight.set_user({"id": "4711", "email": "a@example.com"})
        monlight.set_tag("plan", "pro")
        monlight.set_trace_id("4bf92f3577b34da6a3ce929d0e0e4736")
        monlight.add_breadcrumb("basket opened", category="ui", data={"n": 1, "secret": "s"})
        assert errors.capture(sold("mug"), level="fatal", tags={"shelf": 7}, extra={"api_key": "k", "n": 1})
        assert errors.flush()
    group = only_group(tracker)
    assert (group["exception_type"], group["message"]) == ("RuntimeError", "order failed")
    [kept] = group["occurrences"]
    text = json.dumps(kept)
    for word in (
        "prod",
        "shop@1.2.0",
        "web-1",
        "POST /orders",
        "fatal",
        "4711",
        "basket opened",
        "4bf92f3577b34da6",
    ):
        assert word in text, word
    assert {"region": "eu", "plan": "pro", "shelf": "7"}.items() <= dict(kept["tags"]).items()
    assert kept["extra"] == {"api_key": "[Filtered]", "n": 1}
    cause, effect = kept["exceptions"]
    assert (cause["type"].rpartition(".")[2], effect["type"]) == ("OutOfStock", "RuntimeError")
    [sell_frame] = [it for it in cause["frames"] if it["function"] == "sell"]
    assert sell_frame["source"].strip().startswith("raise OutOfStock")
    assert sell_frame["vars"] == {
        "sku": "mug",
        "password": "[Filtered]",
        "basket": "{'sku': 'mug', 'token': '[Filtered]', 'n': 3}",
    }
    assert "hunter2" not in text


def test_reports_of_030_and_of_this_client_are_one_group(tracker: Tracker) -> None:
    """Whoever upgrades keeps the groups, their notes and their state."""
    errors = ErrorClient(tracker.url, KEY, "shop")
    error = sold("mug")
    errors.report_error_sync(error)
    report = {
        "project": "shop",
        "exception_type": type(error).__qualname__,
        "message": str(error),
        "traceback": errors._of_exception(error, monlight.report.Details())["traceback"],
    }
    answer = tracker.post("/api/errors", report).json()
    assert answer["status"] == "incremented"
    assert only_group(tracker)["count"] == 2


def test_a_fingerprint_decides_the_group(tracker: Tracker) -> None:
    errors = ErrorClient(tracker.url, KEY, "shop")
    errors.capture(ValueError("one"), fingerprint=["billing"])
    errors.capture(KeyError("two"), fingerprint=["billing"])
    assert errors.flush()
    assert only_group(tracker)["count"] == 2


def test_a_message_is_a_group_too(tracker: Tracker) -> None:
    errors = ErrorClient(tracker.url, KEY, "shop", environment="prod")
    assert errors.capture_message("stock is empty", level="warning")
    assert errors.flush()
    assert only_group(tracker)["message"] == "stock is empty"


def test_before_send_may_change_a_report_or_keep_it_back(receiver: Receiver) -> None:
    def before_send(report: dict[str, Any]) -> dict[str, Any] | None:
        if report["exception_type"] == "KeyError":
            return None
        return {**report, "message": "changed"}

    errors = ErrorClient(receiver.url, "KEY", before_send=before_send)
    assert not errors.capture(KeyError("x"))
    assert errors.capture(ValueError("x"))
    errors.flush()
    [request] = receiver.received
    assert request.body["message"] == "changed"


def test_a_before_send_that_fails_costs_the_report_and_nothing_else(receiver: Receiver) -> None:
    def before_send(report: dict[str, Any]) -> None:
        raise OSError("disk")

    errors = ErrorClient(receiver.url, "KEY", before_send=before_send)
    assert not errors.capture(ValueError("x"))
    errors.report_error_sync(ValueError("y"))
    assert receiver.received == []


def test_an_exception_is_reported_once_however_many_layers_see_it(receiver: Receiver) -> None:
    errors = ErrorClient(receiver.url, "KEY")
    error = ValueError("x")
    assert errors.capture(error)
    assert not errors.capture(error)
    # Asked for by name, as in 0.3.0, it is.
    errors.report_error_sync(error)
    errors.flush()
    assert sum(len(it.body) if isinstance(it.body, list) else 1 for it in receiver.received) == 2


def test_the_exception_being_handled_is_taken(receiver: Receiver) -> None:
    errors = ErrorClient(receiver.url, "KEY")
    assert not errors.capture()
    try:
        sell("mug")
    except OutOfStock:
        assert errors.capture()
    errors.flush()
    [frame] = [
        it
        for it in receiver.received[0].body["exception"]["values"][0]["stacktrace"]["frames"]
        if it["function"] == "sell"
    ]
    assert frame["context_line"] == '    raise OutOfStock(f"no {sku} left {len(basket)}")'
    assert len(frame["pre_context"]) == len(frame["post_context"]) == 5
    # Opt-in.
    assert "vars" not in frame


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def endless() -> Any:
    loop: list[Any] = []
    loop.append({"loop": loop, "self": Hostile()})
    return loop


@pytest.mark.parametrize(
    "context",
    [
        {"extra": endless()},
        {"extra": {"x": "y" * 1_000_000, "z": list(range(100_000))}},
        {
            "extra": {
                "nan": float("nan"),
                "inf": float("inf"),
                "bytes": b"\xff",
                "half": "\ud800",
                1: 2,
                None: 3,
            }
        },
        {"extra": Hostile()},
        {"request_headers": {"a": Hostile(), "b": "x" * 300_000}},
        {"request_url": "http://[broken?token=1", "user_id": "x" * 300_000},
    ],
)
def test_whatever_it_is_given_it_reports_within_bounds(tracker: Tracker, context: dict[str, Any]) -> None:
    errors = ErrorClient(tracker.url, KEY, "shop", with_local_variables=True)
    try:
        kept = endless()
        raise Hostile(kept)
    except Hostile as error:
        errors.report_error_sync(error, context)
    group = only_group(tracker)
    assert group["exception_type"] == "Hostile"
    assert "that cannot be shown" in group["message"]


def test_a_large_report_loses_its_pieces_and_not_its_trace(receiver: Receiver) -> None:
    def deep(n: int) -> None:
        # Each line is long, and so are all variables.
        filler = ["ü" * 10_000] * 100
        deep(n - 1) if n else sell(filler[0][:5])

    errors = ErrorClient(receiver.url, "KEY", with_local_variables=True)
    try:
        deep(300)
    except OutOfStock as error:
        errors.report_error_sync(error, {"extra": {str(n): "x" * 10_000 for n in range(100)}})
    body = receiver.received[0].body
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= REPORT_BYTES
    assert body["traceback"].endswith("OutOfStock: no üüüüü left 3\n")


def test_secrets_in_addresses_and_headers_are_filtered(receiver: Receiver) -> None:
    errors = ErrorClient(receiver.url, "KEY", scrub_fields=["Shoe-Size"])
    errors.report_error_sync(
        ValueError("x"),
        {
            "request_url": "https://bob:pw@h/x?page=2&access_token=abc&password=&shoe_size=44#f",
            "request_headers": {"X-Auth-Token": "abc", "Proxy-Authorization": "abc", "Accept": "text/html"},
            "extra": {"shoe size": 44, "author": "Eve", "max_tokens": 9, "nested": [{"DB_PASSWORD": "x"}]},
        },
    )
    body = receiver.received[0].body
    assert body["request_url"] == (
        "https://h/x?page=2&access_token=%5BFiltered%5D&password=%5BFiltered%5D&shoe_size=%5BFiltered%5D#f"
    )
    assert body["request_headers"] == {
        "X-Auth-Token": "[Filtered]",
        "Proxy-Authorization": "[Filtered]",
        "Accept": "text/html",
    }
    assert body["extra"] == {
        "shoe size": "[Filtered]",
        "author": "Eve",
        "max_tokens": 9,
        "nested": [{"DB_PASSWORD": "[Filtered]"}],
    }


def test_log_records_are_breadcrumbs_after_init(receiver: Receiver) -> None:
    monlight.init(api_key="k", error_tracker_url=receiver.url, integrations=[])
    with monlight.scope():
        logging.getLogger("shop.stock").warning("only %d left", 3)
        assert monlight.capture_exception(ValueError("x"))
    assert monlight.flush()
    [crumb] = receiver.received[0].body["breadcrumbs"]["values"]
    assert (crumb["category"], crumb["level"], crumb["message"]) == ("shop.stock", "warning", "only 3 left")


def test_before_init_nothing_is_reported_and_nothing_fails() -> None:
    assert not monlight.capture_exception(ValueError("x"))
    assert not monlight.capture_message("x")
    monlight.set_user("1")
    monlight.add_breadcrumb("x")
    assert monlight.flush()
