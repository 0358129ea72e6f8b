"""A believable day of the shop's API, request by request: `API_KEY=… METRICS_COLLECTOR_URL=… python demo/api_requests.py`."""

import datetime
import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

HOURS = 24
BATCH = 2_000

ENDPOINTS = {
    # Method and endpoint: requests an hour, median milliseconds, part that fails.
    ("GET", "/api/products/{sku}"): (190, 18, 0.004),
    ("GET", "/api/search"): (90, 65, 0.006),
    ("POST", "/api/cart"): (45, 30, 0.01),
    ("POST", "/api/checkout"): (18, 240, 0.03),
    ("GET", "/api/invoices/{id}"): (9, 900, 0.002),
    ("DELETE", "/api/cart/{id}"): (6, 22, 0.05),
}
CONSUMERS = {"web-shop": 12, "ios-app": 7, "android-app": 6, "warehouse": 3, "partner-acme": 1}
NODES = {"web-1": 1.0, "web-2": 1.0, "web-3": 1.5}
"""How slow each is: the third one is on older hardware."""


def requests(chance: random.Random) -> Iterator[dict[str, Any]]:
    now = time.time()
    for hour in range(HOURS):
        for (method, endpoint), (often, median_ms, failing) in ENDPOINTS.items():
            for _ in range(round(often * chance.uniform(0.7, 1.3))):
                consumer = chance.choices(list(CONSUMERS), list(CONSUMERS.values()))[0]
                node = chance.choice(list(NODES))
                # The partner's new release sends what cannot be read.
                is_broken = consumer == "partner-acme" and hour > HOURS - 4
                has_failed = chance.random() < failing
                yield {
                    "service": "shop-api",
                    "node": node,
                    "method": method,
                    "endpoint": endpoint,
                    "status": 422 if is_broken else 500 if has_failed else 200,
                    "response_time": round(chance.lognormvariate(math.log(median_ms * NODES[node]), 0.5)),
                    "consumer": consumer,
                    "context": "checkout" if "c" in endpoint[5:7] else "browse",
                    "created_at": stamp(now - (HOURS - hour) * 3600 + chance.uniform(0, 3600)),
                }


def stamp(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat()


def main() -> None:
    url = os.environ.get("METRICS_COLLECTOR_URL", "http://127.0.0.1:5012").rstrip("/")
    key = os.environ.get("API_KEY", "")
    if not key:
        sys.exit("demo: API_KEY is not set")
    began, n_taken = time.monotonic(), 0
    told = list(requests(random.Random(1)))
    try:
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=60) as client:
            for place in range(0, len(told), BATCH):
                body = json.dumps({"requests": told[place : place + BATCH]})
                answer = client.post(
                    "/api/v1/ingest", content=body, headers={"Content-Type": "application/json"}
                )
                answer.raise_for_status()
                n_taken += answer.json()["count"]
    except httpx.HTTPStatusError as error:
        sys.exit(f"demo: {url} answers {error.response.status_code}: {error.response.text[:200]}")
    except httpx.TransportError as error:
        sys.exit(f"demo: {url} does not answer ({error}); is it running? `make run` starts it")
    took = time.monotonic() - began
    print(f"{n_taken} API requests of a day took {took:.1f} s. See {url}/api-monitoring?range=24h")


if __name__ == "__main__":
    main()
