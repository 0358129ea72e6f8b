"""A server that is down, slow, busy, broken or no server at all: the app sees none of it, and nothing comes twice."""

import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler

import pytest
from receiver import Answer, Receiver, garbage, nothing, status
from tracker import KEY, Tracker
from waiting import PATIENCE, eventually

from monlight import ErrorClient, LogHandler, MetricsClient, lane
from monlight.delivery import Poster, retry_after_s
from monlight.lane import Lane, Limits
from monlight.report import Details


def gauges(receiver: Receiver, since: int = 0) -> Counter[float]:
    """Values of what was received with status 200, by how often they came."""
    return Counter(it["value"] for request in receiver.received[since:] for it in request.body)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """An answer that never ends."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize(
    "answer",
    [
        status(429),
        status(429, Retry_After="0"),
        status(500),
        status(503, b"<html>"),
        status(502),
        garbage,
        nothing,
    ],
    ids=["429", "retry-after", "500", "503", "502", "garbage", "nothing"],
)
def test_what_was_kept_arrives_once_after_a_bad_time(receiver: Receiver, answer: Answer) -> None:
    receiver.answers = [answer] * 3
    metrics = MetricsClient(receiver.url, "KEY", flush_interval=0.0)
    metrics.start()
    for n in range(50):
        metrics.gauge("n", n)
    eventually(lambda: metrics._lane.n_waiting == 0, "all has gone")
    assert gauges(receiver, since=3) == Counter(range(50))
    # A batch that comes again says so, and is the same to the byte.
    tries = {it.headers["idempotency-key"]: it.raw for it in receiver.received}
    first_key = receiver.received[0].headers["idempotency-key"]
    assert all(it.raw == tries[first_key] for it in receiver.received[:4])
    assert {it.headers["idempotency-key"] for it in receiver.received[:4]} == {first_key}
    assert metrics.n_dropped == 0


def test_a_server_that_is_down_gets_all_when_it_is_up_again(
    receiver: Receiver, warnings: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="monlight")
    receiver.stop()
    errors = ErrorClient(receiver.url, "KEY")
    metrics = MetricsClient(receiver.url, "KEY", flush_interval=0.05)
    for n in range(20):
        assert errors.capture(ValueError(f"bug {n}"))
        metrics.gauge("n", n)
        metrics.flush()
    # Not waited for, since those before it could not be sent either.
    ticket: Future[bool] = Future()
    assert errors._queue(lambda: errors._of_exception(ValueError("bug 20"), Details()), ticket)
    assert ticket.done()
    assert (errors._lane.n_waiting, metrics._lane.n_waiting) == (21, 20)
    # Said once for each, however often it was tried.
    assert len(warnings()) == 2
    receiver.start()
    metrics.start()
    eventually(lambda: errors._lane.n_waiting + metrics._lane.n_waiting == 0, "all has gone")
    reports = [it for it in receiver.received if it.path.startswith("/api/errors")]
    bodies = [body for it in reports for body in (it.body if isinstance(it.body, list) else [it.body])]
    assert Counter(it["message"] for it in bodies) == Counter(f"bug {n}" for n in range(21))
    assert len({it["event_id"] for it in bodies}) == 21
    by_value = Counter(
        it["value"] for request in receiver.received if request.path == "/api/metrics" for it in request.body
    )
    assert by_value == Counter(range(20))
    assert "takes data again" in caplog.text


def test_a_request_that_was_taken_but_not_answered_counts_once(collector: Tracker) -> None:
    """Against the real collector: the answer is lost on its way, so the batch goes again under the same id."""
    lost = itertools.count()

    metrics = MetricsClient(collector.url, KEY, project="shop")
    post = metrics._lane._poster._read

    def read(response: object) -> object:
        if next(lost) == 0:
            raise TimeoutError("lost")
        return post(response)  # type: ignore[arg-type]

    metrics._lane._poster._read = read  # type: ignore[assignment,method-assign]
    metrics.counter("orders_total", value=3)
    metrics.flush()
    metrics.flush()
    assert next(lost) == 2
    assert collector.total("orders_total", project="shop")["sum"] == 3  # type: ignore[attr-defined]


def test_a_slow_server_holds_nobody_up(receiver: Receiver) -> None:
    is_over = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        is_over.wait(PATIENCE)
        status(200)(handler)

    receiver.usual = slow
    errors = ErrorClient(receiver.url, "KEY", timeout=0.05)
    errors.report_error_sync(ValueError("waited for, but not for long"))
    assert errors.capture(ValueError("not waited for"))
    assert errors._lane.n_waiting == 2
    is_over.set()
    eventually(lambda: errors._lane.n_waiting == 0, "both have gone")


def test_an_answer_without_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.answers = [endless]
    metrics = MetricsClient(receiver.url, "KEY", timeout=2.0)
    metrics.gauge("n", 1)
    metrics.flush()
    assert metrics._lane.n_waiting == 0
    assert len(receiver.received) == 1


def test_a_server_may_name_the_time(receiver: Receiver) -> None:
    receiver.usual = status(429, Retry_After="3600")
    metrics = MetricsClient(receiver.url, "KEY")
    for n in range(5):
        metrics.gauge("n", n)
        metrics.flush()
    # It was asked once; not even a flush asks sooner.
    assert len(receiver.received) == 1
    until = metrics._lane._retry_at - time.monotonic()
    assert 500 < until <= lane.LONGEST_RETRY_AFTER_S


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("12", 12.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=1000.0) == seconds


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_a_refusal_is_final(receiver: Receiver, warnings: Callable[[], list[str]], code: int) -> None:
    receiver.usual = status(code, b'{"detail": "no"}')
    metrics = MetricsClient(receiver.url, "KEY")
    metrics.gauge("n", 1)
    metrics.flush()
    metrics.gauge("n", 2)
    metrics.flush()
    assert [it["value"] for request in receiver.received for it in request.body] == [1, 2]
    assert metrics.n_dropped == 2
    assert len(warnings()) == 1


def test_a_parcel_that_breaks_the_server_does_not_block_those_behind(receiver: Receiver) -> None:
    receiver.answers = [status(500)] * lane.MOST_SERVER_ERRORS
    metrics = MetricsClient(receiver.url, "KEY", flush_interval=0.0)
    metrics.start()
    metrics.gauge("n", 1)
    receiver.wait_for(1)
    metrics.gauge("n", 2)
    eventually(lambda: metrics._lane.n_waiting == 0, "all has gone")
    assert receiver.received[-1].body[0]["value"] == 2
    assert metrics.n_dropped == 1


def test_a_parcel_that_is_too_large_goes_in_parts(receiver: Receiver) -> None:
    receiver.answers = [status(413), status(413), status(200), status(200)]
    metrics = MetricsClient(receiver.url, "KEY")
    for n in range(10):
        metrics.gauge("n", n)
    metrics.flush()
    sizes = [len(it.body) for it in receiver.received]
    assert sizes == [10, 5, 2, 8]
    assert gauges(receiver, since=2) == Counter(range(10))


def test_a_server_that_knows_no_gzip_gets_plain_bodies(receiver: Receiver) -> None:
    receiver.answers = [status(415)]
    metrics = MetricsClient(receiver.url, "KEY")
    for _ in range(2):
        for n in range(100):
            metrics.gauge("n", n)
        metrics.flush()
    encodings = [it.headers.get("content-encoding") for it in receiver.received]
    assert encodings == ["gzip", None, None]
    assert metrics.n_dropped == 0


def test_large_bodies_are_compressed_and_small_ones_are_not(receiver: Receiver) -> None:
    metrics = MetricsClient(receiver.url, "KEY")
    metrics.gauge("n", 1)
    metrics.flush()
    for n in range(1000):
        metrics.gauge("n", n)
    metrics.flush()
    small, large = receiver.received
    assert "content-encoding" not in small.headers
    assert large.headers["content-encoding"] == "gzip"
    assert len(large.raw) < 10_000


def test_all_goes_over_one_connection(receiver: Receiver) -> None:
    errors = ErrorClient(receiver.url, "KEY")
    for n in range(10):
        errors.report_error_sync(ValueError(str(n)))
    assert len(receiver.received) == 10
    assert receiver.n_connections == 1


def test_many_errors_go_in_one_request_and_one_by_one_to_an_older_tracker(receiver: Receiver) -> None:
    is_over = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        is_over.wait(PATIENCE)
        status(201)(handler)

    receiver.answers = [slow, status(404)]
    errors = ErrorClient(receiver.url, "KEY")
    for n in range(6):
        errors.capture(ValueError(str(n)))
        receiver.wait_for(1)
    is_over.set()
    eventually(lambda: errors._lane.n_waiting == 0, "all has gone")
    paths = [it.path for it in receiver.received]
    assert paths == ["/api/errors", "/api/errors/batch", *["/api/errors"] * 5]
    single = [it.body["message"] for it in receiver.received if it.path == "/api/errors"]
    assert single == [str(n) for n in range(6)]
    assert errors.n_dropped == 0


def test_memory_stays_bounded_however_long_a_server_is_down(receiver: Receiver) -> None:
    receiver.stop()
    errors = ErrorClient(receiver.url, "KEY")
    metrics = MetricsClient(receiver.url, "KEY")
    logs = LogHandler(receiver.url, "KEY")
    record = logging.LogRecord("app", logging.INFO, "", 0, "x" * 2000, None, None)
    for n in range(60_000):
        metrics.gauge("n", n)
    for _ in range(6000):
        logs.emit(record)
    for n in range(1100):
        errors.capture(ValueError("y" * 8000 + str(n)))
    held = metrics._lane.limits
    assert metrics._lane.n_waiting <= held.items + held.batch_items
    assert metrics.n_dropped >= 60_000 - held.items - held.batch_items
    assert logs._lane._n_bytes <= logs._lane.limits.bytes
    assert logs.n_dropped > 1000
    assert errors._lane._n_bytes <= errors._lane.limits.bytes
    assert errors._lane.n_waiting <= errors._lane.limits.items + errors._lane.limits.batch_items
    assert errors.n_dropped > 0
    # The newest metrics are there, and the first errors.
    assert metrics._lane._waiting[-1][0].value == 59_999


def test_a_destructor_may_record_while_a_record_is_made(receiver: Receiver) -> None:
    """The garbage collector runs anywhere; what it runs must not wait for a lock that its own thread holds."""
    metrics = MetricsClient(receiver.url, "KEY")
    held = metrics._lane
    with held._lock:
        metrics.gauge("n", 1)
        held.put(held._waiting[0][0])
    assert held.n_waiting == 2


def test_a_lane_lives_until_what_it_holds_has_gone(receiver: Receiver) -> None:
    for n in range(3):
        # A new client each time, forgotten at once.
        ErrorClient(receiver.url, "KEY").capture(ValueError(str(n)))
    assert {it.body["message"] for it in receiver.wait_for(3)} == {"0", "1", "2"}


def test_what_cannot_be_written_is_lost_and_told() -> None:
    def pack(items: list[object]) -> tuple[str, bytes]:
        raise ValueError("no JSON")

    broken: Lane[object] = Lane(
        Poster("http://127.0.0.1:1", "k", 1.0, pack), Limits(10), 0.0, logging.getLogger("monlight")
    )
    broken.put(object())
    broken.flush(PATIENCE)
    assert (broken.n_waiting, broken.n_dropped) == (0, 1)


def test_a_key_may_have_a_line_end_and_any_characters(receiver: Receiver) -> None:
    ErrorClient(receiver.url, "schlüssel\n").report_error_sync(ValueError("x"))
    assert receiver.received[0].headers["x-api-key"].encode("latin-1").decode() == "schlüssel"
