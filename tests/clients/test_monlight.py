"""`monlight` 0.3.0 as published: what its `ErrorClient` reports arrives whole."""

import asyncio
from collections.abc import Callable

import pytest
from monlight import ErrorClient, __version__

from tracker import KEY, Tracker

CONTEXT = {
    "request_url": "https://shop.example/checkout?step=2&note=<b>",
    "request_method": "POST",
    "request_headers": {"User-Agent": "Firefox/140", "Authorization": "Bearer secret", "X-Trace": "t-1"},
    "user_id": 4711,
    "extra": {"cart": [1, 2.5, None], "coupon": "ÄÖÜ-🛒", "nested": {"deep": True}},
}


class PaymentDeclined(Exception):
    pass


def declined() -> Exception:
    """An exception with a cause and a traceback, as a handler has it."""
    try:
        try:
            int("12,50")
        except ValueError as cause:
            raise PaymentDeclined("card ending in 4242 was declined: žluťoučký ☃") from cause
    except PaymentDeclined as error:
        return error
    raise AssertionError


def report(client: ErrorClient, is_async: bool, *arguments: object) -> None:
    if is_async:
        asyncio.run(client.report_error(*arguments))
    else:
        client.report_error_sync(*arguments)


@pytest.fixture(params=[True, False], ids=["report_error", "report_error_sync"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return request.param


def test_it_is_the_published_version() -> None:
    assert __version__ == "0.3.0"


def test_a_report_with_its_request_is_listed_and_shown(
    tracker: Tracker, is_async: bool, client_warnings: Callable[[], list[str]]
) -> None:
    client = ErrorClient(tracker.url + "/", KEY, project="shop")
    report(client, is_async, declined(), CONTEXT)

    assert client_warnings() == []
    [row] = tracker.get("/api/errors", project="shop")["errors"]
    assert row["exception_type"] == "PaymentDeclined"
    assert row["message"] == "card ending in 4242 was declined: žluťoučký ☃"
    assert (row["count"], row["resolved"], row["source"]) == (1, False, "server")
    assert len(row["fingerprint"]) == 32
    assert row["first_seen"] == row["last_seen"]
    assert row["first_seen"].endswith("Z")

    group = tracker.get(f"/api/errors/{row['id']}")
    assert group.items() >= {name: row[name] for name in ("id", "fingerprint", "project", "message")}.items()
    assert "ValueError: invalid literal for int()" in group["traceback"]
    assert "The above exception was the direct cause" in group["traceback"]
    assert group["traceback"].endswith("PaymentDeclined: card ending in 4242 was declined: žluťoučký ☃\n")
    assert group["resolved_at"] is None
    [occurrence] = group["occurrences"]
    assert occurrence["request_url"] == CONTEXT["request_url"]
    assert occurrence["request_method"] == "POST"
    assert occurrence["request_headers"] == {"User-Agent": "Firefox/140", "X-Trace": "t-1"}
    assert occurrence["user_id"] == "4711"
    assert occurrence["extra"] == CONTEXT["extra"]
    assert occurrence["traceback"] == group["traceback"]


def test_it_is_seen_on_the_pages_after_signing_in(tracker: Tracker, is_async: bool) -> None:
    report(ErrorClient(tracker.url, KEY, project="shop"), is_async, declined(), CONTEXT)
    with tracker.signed_in() as browser:
        inbox = browser.get("/").raise_for_status().text
        assert "PaymentDeclined" in inbox
        assert "card ending in 4242 was declined: žluťoučký ☃" in inbox
        assert "test_monlight.py in declined" in inbox
        [row] = tracker.get("/api/errors")["errors"]
        group = browser.get(f"/errors/{row['id']}").raise_for_status().text
    for words in ["PaymentDeclined", "invalid literal for int()", "POST", "step=2", "4711", "t-1", "ÄÖÜ-🛒"]:
        assert words in group, words
    assert "Bearer secret" not in group
    assert "note=<b>" not in group


def test_a_report_without_a_request_has_none(
    tracker: Tracker, is_async: bool, client_warnings: Callable[[], list[str]]
) -> None:
    report(ErrorClient(tracker.url, KEY), is_async, declined())
    assert client_warnings() == []
    [row] = tracker.get("/api/errors", project="default")["errors"]
    [occurrence] = tracker.get(f"/api/errors/{row['id']}")["occurrences"]
    absent = ("request_url", "request_method", "request_headers", "user_id", "extra")
    assert [occurrence[name] for name in absent] == [None] * 5


def test_the_same_exception_counts_and_comes_back_after_being_resolved(
    tracker: Tracker, is_async: bool, client_warnings: Callable[[], list[str]]
) -> None:
    client = ErrorClient(tracker.url, KEY)

    def look() -> tuple[int, bool]:
        [row] = tracker.get("/api/errors", resolved="all")["errors"]
        return row["count"], row["resolved"]

    for _ in range(7):
        report(client, is_async, declined())
    assert look() == (7, False)
    tracker.resolve(1)
    assert look() == (7, True)
    report(client, is_async, declined())
    assert look() == (8, False)
    assert client_warnings() == []


def test_an_exception_that_was_never_raised_is_taken(
    tracker: Tracker, is_async: bool, client_warnings: Callable[[], list[str]]
) -> None:
    report(ErrorClient(tracker.url, KEY), is_async, KeyError("sku"))
    assert client_warnings() == []
    [row] = tracker.get("/api/errors")["errors"]
    assert (row["exception_type"], row["message"]) == ("KeyError", "'sku'")


def test_a_wrong_key_is_told_in_a_warning_and_nothing_is_filed(
    tracker: Tracker, is_async: bool, client_warnings: Callable[[], list[str]]
) -> None:
    report(ErrorClient(tracker.url, "wrong"), is_async, declined())
    [warning] = client_warnings()
    assert "returned status 401" in warning
    assert tracker.get("/api/errors")["total"] == 0
