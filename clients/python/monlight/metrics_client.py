"""`MetricsClient`: counters, gauges and histograms for the metrics collector, through the background sender."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import NamedTuple

from monlight.delivery import Poster
from monlight.lane import Lane, Limits

logger = logging.getLogger(__name__)

LIMITS = Limits(items=50_000, batch_items=1000)
"""A minute of 400 requests a second; the tuples take about 15 MB. 1,000 are what the first collectors took at once."""
BATCH_REQUESTS = 500
_SPELLINGS = 5000
"""Label sets of which the JSON is remembered."""
_DURATION = '{"name":"http_request_duration_seconds","type":"histogram","value":'
_quote = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Sample(NamedTuple):
    kind: str
    name: str
    value: float
    labels: tuple[tuple[str, str], ...]
    second: int


class _Request(NamedTuple):
    """An HTTP request that was answered: a counter and a histogram, made of it by the sender."""

    method: str
    endpoint: str
    status: int
    duration_s: float
    second: int


class MetricsClient:
    """Buffers metrics and sends them every `flush_interval` seconds after `start()`. Nothing it does raises.

    base_url: of the collector. api_key: one that may ingest. timeout: seconds for one request.
    project: of all metrics, if given.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        flush_interval: float = 10.0,
        timeout: float = 5.0,
        project: str | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self.flush_interval = flush_interval
        self.timeout = timeout
        self.project = project
        writer = _Writer(project)
        poster = Poster(self.base_url, api_key, timeout, writer.pack)
        self._lane: Lane[_Sample | _Request] = Lane(poster, LIMITS, None, logger)

    def start(self) -> None:
        """From now on what is recorded is sent by itself."""
        self._lane.interval = self.flush_interval
        self._lane.nudge()

    def counter(self, name: str, labels: Mapping[str, str] | None = None, value: float = 1) -> None:
        """Adds to a counter."""
        self._record("counter", name, value, labels)

    def histogram(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """One observation of a distribution."""
        self._record("histogram", name, value, labels)

    def gauge(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """A value that goes up and down, as it is now."""
        self._record("gauge", name, value, labels)

    def request(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        """An answered HTTP request: `http_requests_total` and `http_request_duration_seconds`."""
        self._lane.put(_Request(method, endpoint, status, duration_s, int(time.time())))

    def flush(self) -> None:
        """Sends what waits; returns when it has gone or a first attempt has failed. It is then tried again."""
        self._lane.flush(self.timeout)

    def shutdown(self) -> None:
        """Stops sending by itself, and flushes."""
        self._lane.interval = None
        self.flush()

    @property
    def n_dropped(self) -> int:
        """Metrics lost so far: no room in the queue, or refused."""
        return self._lane.n_dropped

    def _record(self, kind: str, name: str, value: float, labels: Mapping[str, str] | None) -> None:
        try:
            # What is no number is no metric, and JSON has no infinity. Checked here, so that no batch fails for it.
            number = value if type(value) is int and abs(value) < 1 << 63 else float(value)
            if number - number != 0:
                raise ValueError(f"{name}: {value!r} is no number")
            pairs = tuple([(str(key), str(text)) for key, text in labels.items()]) if labels else ()
            self._lane.put(_Sample(kind, str(name), number, pairs, int(time.time())))
        except Exception:
            logger.warning("a metric could not be recorded", exc_info=True)


class _Writer:
    """Metrics as JSON. Written piece by piece, since labels and seconds are the same again and again."""

    def __init__(self, project: str | None) -> None:
        self._end = f',"project":{_quote(project)}}}' if project else "}"
        self._labels: dict[tuple[object, ...], str] = {}
        self._times: tuple[int, str] = (0, "")

    def pack(self, items: list[_Sample | _Request]) -> tuple[str, bytes]:
        """Counters of one second are added up."""
        counted: dict[tuple[str, str, int], float] = {}
        requests: dict[tuple[str, str, int, int], list[str]] = {}
        written: list[str] = []
        for item in items:
            if isinstance(item, _Request):
                method, endpoint, status, duration_s, second = item
                # Microseconds: what is below them is noise.
                requests.setdefault((method, endpoint, status, second), []).append(f"{duration_s:.6f}")
                continue
            labels = self._label_json(item.labels)
            if item.kind == "counter":
                key = (item.name, labels, item.second)
                counted[key] = counted.get(key, 0) + item.value
            else:
                written.append(self._metric(item.name, item.kind, item.value, item.second, labels))
        for (method, endpoint, status, second), durations in requests.items():
            labels = self._request_labels(method, endpoint, status)
            key = ("http_requests_total", labels, second)
            counted[key] = counted.get(key, 0) + len(durations)
            end = self._after_value(second, labels)
            written += [f"{_DURATION}{duration}{end}" for duration in durations]
        written += [self._metric(name, "counter", n, at, labels) for (name, labels, at), n in counted.items()]
        return "/api/metrics", f"[{','.join(written)}]".encode("utf-8", "replace")

    def _metric(self, name: str, kind: str, value: float, second: int, labels: str) -> str:
        start = f'{{"name":{_quote(name)},"type":"{kind}","value":{value!r}'
        return f"{start}{self._after_value(second, labels)}"

    def _after_value(self, second: int, labels: str) -> str:
        return f',"timestamp":"{self._time(second)}"{labels}{self._end}'

    def _time(self, second: int) -> str:
        if self._times[0] != second:
            self._times = (second, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second)))
        return self._times[1]

    def _request_labels(self, method: str, endpoint: str, status: int) -> str:
        key = (method, endpoint, status)
        labels = {"method": method, "endpoint": endpoint, "status": str(status)}
        return self._labels.get(key) or self._remember(key, labels)

    def _label_json(self, labels: tuple[tuple[str, str], ...]) -> str:
        if not labels:
            return ""
        return self._labels.get(labels) or self._remember(labels, dict(labels))

    def _remember(self, key: tuple[object, ...], labels: dict[str, str]) -> str:
        if len(self._labels) >= _SPELLINGS:
            self._labels.clear()
        self._labels[key] = text = f',"labels":{_quote(labels)}'
        return text
