"""Six believable hours of the shop's logs: `API_KEY=… LOG_VIEWER_URL=… python demo/logs.py`."""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

HOURS = 6
BATCH = 2_000
OUTAGE = range(HOURS * 60 - 300, HOURS * 60 - 277)
"""Minutes in which the payment gateway is slow; the metrics of the demo have the same."""

Entry = dict[str, Any]

PAGES = ["/", "/products/tea-42", "/search?q=assam", "/cart", "/checkout", "/api/stock"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "Mozilla/5.0 (iPhone) Safari/18.1", "curl/8.11"]
TRACE = """ERROR:shop.checkout:payment {id} failed
Traceback (most recent call last):
  File "/srv/shop/checkout.py", line 21, in pay
    receipt = gateway.charge(cart.total)
  File "/srv/shop/payment.py", line 30, in charge
    raise GatewayTimeout("no answer within 3 s")
payment.GatewayTimeout: no answer within 3 s"""
JAVA = """2026 ERROR [http-nio-8080-exec-{n}] c.s.stock.Reservation : cannot reserve {sku}
java.lang.IllegalStateException: stock of {sku} is locked
\tat com.shop.stock.Reservation.reserve(Reservation.java:48)
\tat com.shop.stock.Api.post(Api.java:19)
Caused by: java.sql.SQLTransientException: lock wait timeout exceeded
\tat org.postgresql.Driver.execute(Driver.java:312)
\t... 14 more"""


class Shift:
    """All lines of the hours before now, oldest first."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.begin = time.time() - HOURS * 3600

    def entries(self) -> Iterator[Entry]:
        for minute in range(HOURS * 60):
            lines = list(self.minute(minute))
            seconds = sorted(self.chance.uniform(0, 60) for _ in lines)
            for second, (container, stream, message) in zip(seconds, lines, strict=True):
                at = self.begin + minute * 60 + second
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06}Z"
                yield {"timestamp": stamp, "container": container, "stream": stream, "message": message}

    def minute(self, minute: int) -> Iterator[tuple[str, str, str]]:
        is_hit = minute in OUTAGE
        for _ in range(self.chance.randrange(20, 45)):
            yield "nginx", "stdout", self.access(is_hit)
        for _ in range(self.chance.randrange(6, 14)):
            yield "shop", "stdout", self.order()
        for _ in range(self.chance.randrange(2, 6)):
            yield "stock", "stdout", self.stock()
        if is_hit and self.chance.random() < 0.8:
            for _ in range(self.chance.randrange(1, 5)):
                yield "shop", "stderr", TRACE.format(id=self.number())
        if self.chance.random() < 0.03:
            sku = f"tea-{self.chance.randrange(60)}"
            yield "stock", "stderr", JAVA.format(n=self.chance.randrange(9), sku=sku).removeprefix("2026 ")
        if minute % 30 == 0:
            yield "postgres", "stderr", "LOG:  checkpoint complete: wrote 412 buffers (2.5%)"

    def number(self) -> str:
        return f"{self.chance.getrandbits(48):012x}"

    def access(self, is_hit: bool) -> str:
        page = self.chance.choice(PAGES)
        status = 200
        if is_hit and page == "/checkout" and self.chance.random() < 0.4:
            status = 504
        elif self.chance.random() < 0.02:
            status = self.chance.choice([301, 404, 404, 403])
        address = f"203.0.113.{self.chance.randrange(1, 255)}"
        size, agent = self.chance.randrange(200, 40_000), self.chance.choice(AGENTS)
        return f'{address} - - "GET {page} HTTP/1.1" {status} {size} "-" "{agent}"'

    def order(self) -> str:
        level = self.chance.choices(["info", "debug", "warn"], [80, 15, 5])[0]
        text = {"info": "order placed", "debug": "cart priced", "warn": "coupon has expired"}[level]
        fields = {
            "order": self.number(),
            "user": self.chance.randrange(900),
            "ms": self.chance.randrange(4, 180),
        }
        return json.dumps({"level": level, "msg": text, **fields})

    def stock(self) -> str:
        sku, left = f"tea-{self.chance.randrange(60)}", self.chance.randrange(200)
        level = "warn" if left < 5 else "info"
        return f'level={level} component=stock msg="reserved" sku={sku} left={left}'


def send(client: httpx.Client, batch: list[Entry]) -> int:
    answer = client.post("/api/logs", content=json.dumps(batch), headers={"Content-Type": "application/json"})
    answer.raise_for_status()
    return len(batch)


def main() -> None:
    url = os.environ.get("LOG_VIEWER_URL", "http://127.0.0.1:5011").rstrip("/")
    key = os.environ.get("API_KEY", "")
    if not key:
        sys.exit("demo: API_KEY is not set")
    began, n_sent, batch = time.monotonic(), 0, []
    try:
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=60) as client:
            for entry in [*Shift(random.Random(1)).entries(), None]:
                if entry is not None:
                    batch.append(entry)
                if batch and (entry is None or len(batch) == BATCH):
                    n_sent += send(client, batch)
                    batch = []
    except httpx.HTTPStatusError as error:
        sys.exit(f"demo: {url} answers {error.response.status_code}: {error.response.text[:200]}")
    except httpx.TransportError as error:
        sys.exit(f"demo: {url} does not answer ({error}); is it running? `make run` starts it")
    print(f"{n_sent} log lines of {HOURS} hours took {time.monotonic() - began:.1f} s. See {url}/?range=6h")


if __name__ == "__main__":
    main()
