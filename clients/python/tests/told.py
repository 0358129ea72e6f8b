"""What a receiver was told, in a form that tests compare."""

from collections import Counter
from typing import Any

from receiver import Receiver


def metrics(receiver: Receiver, name: str) -> list[dict[str, Any]]:
    """All samples of a metric."""
    return [
        it
        for request in receiver.received
        if request.path == "/api/metrics"
        for it in request.body
        if it["name"] == name
    ]


def counted(receiver: Receiver, name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """A counter by some of its labels."""
    sums: Counter[tuple[str, ...]] = Counter()
    for it in metrics(receiver, name):
        sums[tuple(it["labels"][label] for label in labels)] += it["value"]
    return sums


def reports(receiver: Receiver) -> list[dict[str, Any]]:
    """All error reports."""
    bodies = [it.body for it in receiver.received if it.path.startswith("/api/errors")]
    return [report for body in bodies for report in (body if isinstance(body, list) else [body])]


def calls(receiver: Receiver) -> list[dict[str, Any]]:
    """All records of API consumers."""
    requests = (it for it in receiver.received if it.path == "/api/v1/ingest")
    return [record for request in requests for record in request.body["requests"]]
