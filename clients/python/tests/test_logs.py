"""Records of `logging` in the real log viewer."""

import logging
from collections.abc import Iterator

import pytest
from receiver import Receiver
from tracker import KEY, Tracker

import monlight
from monlight import LogHandler


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop.orders")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True


def test_records_are_entries_with_their_fields(viewer: Tracker, log: logging.Logger) -> None:
    handler = LogHandler(viewer.url, KEY, container="shop", level=logging.INFO)
    log.addHandler(handler)
    with monlight.scope():
        monlight.set_request_id("r-17")
        monlight.set_user("4711")
        log.debug("too quiet")
        log.info("order %s taken", "A-1", extra={"order_id": "A-1", "password": "hunter2"})
    try:
        raise ValueError("kaput")
    except ValueError:
        log.exception("order failed")
    handler.flush()
    found = viewer.get("/api/logs", container="shop")["logs"]
    assert len(found) == 2
    failed, taken = sorted(found, key=lambda it: it["level"])
    assert (taken["level"], failed["level"]) == ("INFO", "ERROR")
    assert "order A-1 taken" in taken["message"]
    assert "ValueError: kaput" in failed["message"]
    assert "hunter2" not in str(found)
    [by_field] = viewer.get("/api/logs", search="order_id:A-1 request_id:r-17 user_id:4711")["logs"]
    assert by_field["id"] == taken["id"]


def test_what_its_own_requests_log_is_not_sent(receiver: Receiver) -> None:
    handler = LogHandler(receiver.url, "KEY", flush_interval=0.0)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        logging.getLogger("app").info("one")
        handler.flush()
        logging.getLogger("app").info("two")
        handler.flush()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    # httpx and httpcore log each request.
    assert [it["message"] for request in receiver.received for it in request.body] == ["one", "two"]


def test_a_record_that_cannot_be_formatted_is_sent_as_it_is(receiver: Receiver, log: logging.Logger) -> None:
    handler = LogHandler(receiver.url, "KEY")
    log.addHandler(handler)
    # By hand: pytest's own handler would complain.
    handler.emit(logging.LogRecord("shop.orders", logging.INFO, "", 0, "%d things", ("many",), None))
    log.info("half \ud800", extra={"what": object(), "message_": float("nan")})
    handler.flush()
    messages = [it["message"] for it in receiver.received[0].body]
    assert messages == ["%d things ('many',)", "half ?"]


def test_a_formatter_is_used(receiver: Receiver, log: logging.Logger) -> None:
    handler = LogHandler(receiver.url, "KEY")
    handler.setFormatter(logging.Formatter("[%(name)s] %(message)s"))
    log.addHandler(handler)
    log.info("one")
    handler.flush()
    assert receiver.received[0].body[0]["message"] == "[shop.orders] one"
