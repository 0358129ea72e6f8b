"""Metrics in the real collector."""

from collections.abc import Callable

from collector import Collector
from receiver import Receiver
from tracker import KEY

from monlight import MetricsClient


def test_what_is_recorded_is_what_the_collector_has(
    collector: Collector, warnings: Callable[[], list[str]]
) -> None:
    metrics = MetricsClient(collector.url, KEY, project="shop")
    for n in range(3000):
        metrics.counter("orders_total", {"plan": "pro"})
        metrics.histogram("pay_seconds", n / 1000)
    metrics.gauge("queue", 17)
    metrics.flush()
    assert collector.total("orders_total", project="shop")["sum"] == 3000
    timed = collector.total("pay_seconds", project="shop")
    assert (timed["count"], timed["min"], timed["max"]) == (3000, 0.0, 2.999)
    assert collector.total("queue", project="shop")["max"] == 17
    assert warnings() == []


def test_what_is_no_number_costs_itself_and_no_batch(receiver: Receiver) -> None:
    metrics = MetricsClient(receiver.url, "KEY")

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    for value in (float("nan"), float("inf"), None, "many", 10**400, Hostile()):
        metrics.gauge("bad", value)  # type: ignore[arg-type]
    metrics.gauge("bad", 1, {"label": Hostile()})  # type: ignore[dict-item]
    metrics.gauge("good", 1, {"n": 2})  # type: ignore[dict-item]
    metrics.gauge("large", 2**70)
    metrics.gauge("text", "2.5")  # type: ignore[arg-type]
    metrics.flush()
    sent = {it["name"]: it["value"] for it in receiver.received[0].body}
    assert sent == {"good": 1, "large": float(2**70), "text": 2.5}
    assert receiver.received[0].body[0]["labels"] == {"n": "2"}


def test_labels_may_change_after_the_call(receiver: Receiver) -> None:
    metrics = MetricsClient(receiver.url, "KEY")
    labels = {"n": "1"}
    metrics.gauge("g", 1, labels)
    labels["n"] = "2"
    metrics.gauge("g", 1, labels)
    metrics.flush()
    assert [it["labels"]["n"] for it in receiver.received[0].body] == ["1", "2"]
