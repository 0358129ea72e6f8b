"""Fills a running error tracker with believable errors: `API_KEY=… ERROR_TRACKER_URL=… python demo/demo.py`."""

import argparse
import asyncio
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from monlight import ErrorClient

import elsewhere
from shop import catalogue, checkout, exports, inventory, mailer, payment, search, suppliers

N_THREADS = 8
"""Reports under way at once: they wait for the tracker's disk, not for each other."""

Chance = random.Random
Context = dict[str, Any]


@dataclass(frozen=True)
class Bug:
    """One way in which the shop goes wrong, and how often."""

    project: str
    times: int
    happen: Callable[[Chance], object]
    context: Callable[[Chance], Context]


@dataclass(frozen=True)
class Foreign:
    """A report of a program that is not ours, and how often."""

    times: int
    report: Callable[[Chance], dict[str, Any]]


def cart(chance: Chance, **changes: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku": chance.choice(list(catalogue.PRODUCTS)), "n": 1}],
        "customer": {"addresses": {"shipping": {"country": chance.choice(["DE", "AT", "CZ"])}}},
        "card": "4111111111111111",
        **changes,
    }


def locked_stock(_: Chance) -> None:
    with tempfile.TemporaryDirectory() as folder:
        inventory.count_again(str(Path(folder) / "stock.db"))


def request(method: str, path: str, **extra: Any) -> Callable[[Chance], Context]:
    """The web request in which it happened; its user and headers are chance."""

    def context(chance: Chance) -> Context:
        return {
            "request_url": "https://shop.example" + path.format(n=chance.randrange(1000, 9999)),
            "request_method": method,
            "request_headers": {
                "Host": "shop.example",
                "User-Agent": chance.choice(
                    [elsewhere.CHROME, elsewhere.FIREFOX, "ShopApp/7.2 (Android 15)"]
                ),
                "Accept-Language": chance.choice(["de-DE", "cs-CZ", "en-GB"]),
                "X-Request-Id": f"{chance.getrandbits(64):016x}",
                "Authorization": "Bearer the client removes this",
            },
            "user_id": f"u-{chance.randrange(100, 160)}",
            "extra": {"version": "2026.11.2", "pod": f"api-{chance.randrange(4)}", **extra},
        }

    return context


def job(name: str) -> Callable[[Chance], Context]:
    """The background job in which it happened."""
    return lambda chance: {"extra": {"job": name, "attempt": chance.randrange(1, 4), "version": "2026.11.2"}}


BUGS = [
    Bug(
        "shop-api",
        300,
        lambda chance: checkout.place_order(
            cart(chance, lines=[{"sku": "POT-IRON-1L", "n": chance.randrange(3, 6)}])
        ),
        request("POST", "/api/checkout", feature_flags=["fast-checkout"]),
    ),
    Bug(
        "shop-api",
        90,
        lambda chance: checkout.place_order(cart(chance, customer={"addresses": {"billing": {}}})),
        request("POST", "/api/checkout?guest=1"),
    ),
    Bug(
        "shop-api",
        40,
        lambda chance: checkout.place_order(cart(chance)),
        request("POST", "/api/checkout", gateway=payment.GATEWAY),
    ),
    Bug(
        "shop-api",
        25,
        lambda chance: checkout.place_order(cart(chance, card="4000000000000002")),
        request("POST", "/api/checkout"),
    ),
    Bug(
        "shop-api",
        60,
        lambda chance: catalogue.price_of(f"MUG-GREEN-{chance.choice('SML')}"),
        request("GET", "/api/products/{n}/price"),
    ),
    Bug(
        "shop-api",
        14,
        lambda chance: search.search(chance.choice(["mug (blue", "*tea", "pot [iron"])),
        request("GET", "/api/search?q=%28&page={n}"),
    ),
    Bug("shop-api", 2, lambda _: catalogue.breadcrumbs("pots"), request("GET", "/api/categories/pots")),
    Bug(
        "shop-api",
        1,
        lambda _: checkout.discount_share(500, []),
        request("PUT", "/api/cart/discount", code="WELCOME5"),
    ),
    Bug(
        "shop-worker",
        35,
        lambda chance: mailer.confirm(f"customer{chance.randrange(99)}@example.com", chance.randrange(9999)),
        job("confirm-order"),
    ),
    Bug(
        "shop-worker",
        11,
        lambda chance: mailer.greeting(chance.choice(["Žofie Nováková", "Łukasz Wójcik", "田中さん"])),
        job("print-labels"),
    ),
    Bug(
        "shop-worker",
        48,
        lambda _: suppliers.read_stock_level("<html><title>503 Service Unavailable</title></html>"),
        job("supplier-webhook"),
    ),
    Bug(
        "shop-worker",
        4,
        lambda _: suppliers.read_price_list("Teehaus Nord", "MUG-BLUE-L;zwölf Euro".encode("latin-1")),
        job("price-list"),
    ),
    Bug(
        "shop-worker",
        3,
        lambda _: asyncio.run(
            suppliers.nightly_import({"Teehaus Nord": b"\xff\xfe", "Porcelán Brno": b"MUG;12,50;CZK"})
        ),
        job("nightly-import"),
    ),
    Bug("shop-worker", 17, locked_stock, job("count-stock")),
    Bug("shop-worker", 6, lambda chance: exports.write_orders("2026-11-19", 412), job("export-orders")),
]

FOREIGN = [
    Foreign(180, elsewhere.v8),
    Foreign(22, elsewhere.gecko),
    Foreign(45, elsewhere.network),
    Foreign(7, elsewhere.node),
    Foreign(19, elsewhere.java),
]

RESOLVED = ["ZeroDivisionError", "UnicodeEncodeError", "FileNotFoundError"]
COMES_BACK = "OperationalError"
SNOOZED = "FeedRejected"


def caught(bug: Bug, chance: Chance) -> Exception:
    """The exception, as a handler has it."""
    try:
        bug.happen(chance)
    except Exception as error:  # noqa: BLE001 (whatever it is, is wanted)
        return error
    raise AssertionError("the shop works")


class Demo:
    def __init__(self, url: str, key: str, seed: int) -> None:
        self.url, self.key = url, key
        self.chance = Chance(seed)
        self.http = httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=10)

    def run(self) -> None:
        n_reports = self.fill()
        resolved = [group_id for name in RESOLVED for group_id in self.groups(name)]
        for group_id in [*resolved, *self.groups(COMES_BACK)]:
            self.http.post(f"/api/errors/{group_id}/resolve").raise_for_status()
        [comes_back] = [bug for bug in BUGS if bug.happen is locked_stock]
        self.report(comes_back, caught(comes_back, self.chance), comes_back.context(self.chance))
        late, *_ = self.groups(SNOOZED)
        self.http.post(f"/api/errors/{late}/snooze", json={"hours": 48, "events": 100}).raise_for_status()
        note = {"text": "The supplier's file comes without this line on Mondays. They know."}
        self.http.post(f"/api/errors/{late}/notes", json=note).raise_for_status()
        n_groups = self.http.get("/api/errors", params={"resolved": "all", "limit": 1}).json()["total"]
        print(f"{n_reports + 1} reports sent; the tracker holds {n_groups} errors of {self.projects()}.")
        print(f"{len(resolved)} are resolved ({', '.join(RESOLVED)}), one came back ({COMES_BACK}).")
        print(f"One is snoozed ({SNOOZED}).")

    def fill(self) -> int:
        """All bugs, mixed. What happens is decided here, in order; only the sending is shared out."""
        mixed: list[Bug | Foreign] = [kind for kind in [*BUGS, *FOREIGN] for _ in range(kind.times)]
        self.chance.shuffle(mixed)
        with ThreadPoolExecutor(N_THREADS) as senders:
            sent = []
            for kind in mixed:
                if isinstance(kind, Bug):
                    error, context = caught(kind, self.chance), kind.context(self.chance)
                    sent.append(senders.submit(self.report, kind, error, context))
                else:
                    sent.append(senders.submit(self.post, kind.report(self.chance)))
            for future in sent:
                future.result()
        return len(mixed)

    def report(self, bug: Bug, error: Exception, context: Context) -> None:
        ErrorClient(self.url, self.key, project=bug.project).report_error_sync(error, context)

    def post(self, report: dict[str, Any]) -> None:
        self.http.post("/api/errors", json=report).raise_for_status()

    def groups(self, exception_type: str) -> list[int]:
        """Ids of the open groups of the shop with this type."""
        found = self.http.get("/api/errors", params={"limit": 200}).raise_for_status().json()["errors"]
        ours = {bug.project for bug in BUGS}
        return [
            group["id"]
            for group in found
            if group["exception_type"] == exception_type and group["project"] in ours
        ]

    def projects(self) -> str:
        return ", ".join(self.http.get("/api/projects").raise_for_status().json()["projects"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--seed", type=int, default=1, help="another seed, other users and orders (default: 1)"
    )
    seed = options.parse_args().seed
    url = os.environ.get("ERROR_TRACKER_URL", "http://127.0.0.1:5010").rstrip("/")
    key = os.environ.get("API_KEY", "")
    if not key:
        sys.exit("demo: API_KEY is not set")
    if url.startswith("http://"):
        # The client loads the machine's certificates anew for each report: most of the time, and needless here.
        os.environ.pop("SSL_CERT_FILE", None)
        os.environ["SSL_CERT_DIR"] = os.devnull
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    began = time.monotonic()
    demo = Demo(url, key, seed)
    try:
        demo.projects()
        demo.run()
    except httpx.HTTPStatusError as error:
        sys.exit(f"demo: {url} answers {error.response.status_code}: {error.response.text[:200]}")
    except httpx.TransportError as error:
        sys.exit(f"demo: {url} does not answer ({error}); is it running? `make run` starts it")
    print(f"That took {time.monotonic() - began:.1f} s. See {url}/")


if __name__ == "__main__":
    main()
