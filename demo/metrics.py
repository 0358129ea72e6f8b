"""A believable day of the shop's metrics: `API_KEY=… METRICS_COLLECTOR_URL=… python demo/metrics.py`."""

import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

MINUTES = 24 * 60
BATCH = 5_000

Metric = dict[str, Any]

ENDPOINTS = {
    # Endpoint: method, requests a minute at noon, median seconds.
    "/": ("GET", 42, 0.012),
    "/products/{sku}": ("GET", 60, 0.021),
    "/search": ("GET", 25, 0.065),
    "/cart": ("POST", 12, 0.030),
    "/checkout": ("POST", 5, 0.240),
    "/api/stock": ("GET", 33, 0.008),
    "/invoices/{id}.pdf": ("GET", 2, 0.900),
}
PAGES = {"/": 10, "/products": 14, "/search": 6, "/cart": 4, "/checkout": 2}
OUTAGE = range(MINUTES - 300, MINUTES - 277)
"""For 23 minutes the payment gateway is slow, and some checkouts fail."""


def daylight(minute: int) -> float:
    """How busy the shop is: little by night, most in the evening."""
    hour = (time.localtime(time.time() - (MINUTES - minute) * 60).tm_hour) % 24
    return 0.25 + 0.75 * math.sin(math.pi * ((hour - 5) % 24) / 24) ** 2


class Day:
    """All metrics of the day, oldest first."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.begin = int(time.time()) - MINUTES * 60

    def metrics(self) -> Iterator[Metric]:
        for minute in range(MINUTES):
            at = self.begin + minute * 60
            busy = daylight(minute) * self.chance.uniform(0.85, 1.15)
            yield from self.requests(minute, at, busy)
            yield from self.business(minute, at, busy)
            yield from self.visits(at, busy)

    def one(
        self, name: str, kind: str, value: float, at: int, labels: dict[str, str] | None = None
    ) -> Metric:
        second = at + self.chance.randrange(60)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        metric: Metric = {"name": name, "type": kind, "value": value, "timestamp": stamp, "project": "shop"}
        if labels:
            metric["labels"] = labels
        return metric

    def requests(self, minute: int, at: int, busy: float) -> Iterator[Metric]:
        for endpoint, (method, often, seconds) in ENDPOINTS.items():
            n = round(often * busy)
            is_hit = endpoint == "/checkout" and minute in OUTAGE
            n_failed = sum(self.chance.random() < (0.3 if is_hit else 0.002) for _ in range(n))
            n_missed = sum(self.chance.random() < 0.02 for _ in range(n - n_failed))
            counts = {"200": n - n_failed - n_missed, "404": n_missed, "502" if is_hit else "500": n_failed}
            for status, count in counts.items():
                if count:
                    labels = {"method": method, "endpoint": endpoint, "status": status}
                    yield self.one("http_requests_total", "counter", count, at, labels)
            labels = {"method": method, "endpoint": endpoint, "status": "200"}
            for _ in range(min(n, 8)):
                took = self.chance.lognormvariate(math.log(seconds * (9 if is_hit else 1)), 0.55)
                yield self.one("http_request_duration_seconds", "histogram", round(took, 5), at, labels)

    def business(self, minute: int, at: int, busy: float) -> Iterator[Metric]:
        for plan, often in {"basic": 2.2, "pro": 0.9, "team": 0.3}.items():
            n = sum(self.chance.random() < often * busy / 5 for _ in range(5))
            if n:
                yield self.one("orders_total", "counter", n, at, {"plan": plan})
        depth = 4 + 9 * busy + (60 if minute in OUTAGE else 0) + self.chance.gauss(0, 2)
        yield self.one("queue_depth", "gauge", max(0, round(depth)), at, {"queue": "mails"})
        memory = 180e6 + (minute % 480) * 120e3 + self.chance.gauss(0, 2e6)
        yield self.one("process_resident_memory_bytes", "gauge", round(memory), at, {"worker": "web-1"})

    def visits(self, at: int, busy: float) -> Iterator[Metric]:
        for page, often in PAGES.items():
            for _ in range(sum(self.chance.random() < busy / 6 for _ in range(often))):
                is_phone = self.chance.random() < 0.4
                slow = (1.9 if is_phone else 1.0) * (1.4 if page == "/products" else 1.0)
                labels = {"page": page, "session_id": f"s-{self.chance.randrange(4000)}", "source": "browser"}

                def vital(name: str, value: float, labels: dict[str, str] = labels) -> Metric:
                    return self.one(f"web_vitals_{name}", "histogram", round(value, 4), at, labels)

                yield vital("lcp", self.chance.lognormvariate(math.log(1350 * slow), 0.4))
                yield vital("inp", self.chance.lognormvariate(math.log(95 * slow), 0.6))
                yield vital("cls", self.chance.expovariate(1 / (0.09 if page == "/search" else 0.03)))
                yield vital("fcp", self.chance.lognormvariate(math.log(900 * slow), 0.35))
                yield vital("ttfb", self.chance.lognormvariate(math.log(310 * slow), 0.5))


def send(client: httpx.Client, batch: list[Metric]) -> dict[str, Any]:
    answer = client.post(
        "/api/metrics", content=json.dumps(batch), headers={"Content-Type": "application/json"}
    )
    answer.raise_for_status()
    return answer.json()


def main() -> None:
    url = os.environ.get("METRICS_COLLECTOR_URL", "http://127.0.0.1:5012").rstrip("/")
    key = os.environ.get("API_KEY", "")
    if not key:
        sys.exit("demo: API_KEY is not set")
    began, n_taken, n_refused, batch = time.monotonic(), 0, 0, []
    try:
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=60) as client:
            for metric in [*Day(random.Random(1)).metrics(), None]:
                if metric is not None:
                    batch.append(metric)
                if batch and (metric is None or len(batch) == BATCH):
                    taken = send(client, batch)
                    n_taken += taken["count"]
                    n_refused += sum(refused["count"] for refused in taken.get("refused", []))
                    batch = []
    except httpx.HTTPStatusError as error:
        sys.exit(f"demo: {url} answers {error.response.status_code}: {error.response.text[:200]}")
    except httpx.TransportError as error:
        sys.exit(f"demo: {url} does not answer ({error}); is it running? `make run` starts it")
    print(f"{n_taken} metrics of a day took {time.monotonic() - began:.1f} s. See {url}/?range=24h")
    if n_refused:
        print(f"{n_refused} older ones were left out: RETENTION_RAW says how late a metric may come.")


if __name__ == "__main__":
    main()
