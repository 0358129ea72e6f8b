"""`monlight` 0.3.0 as published: what its `MetricsClient` and `setup_monlight` measure arrives, all of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from monlight import MetricsClient
from monlight.integrations.fastapi import setup_monlight

from collector import Collector
from tracker import KEY


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    collector = Collector(tmp_path / "collector")
    yield collector.start()
    if collector.is_running():
        collector.kill()
    print(collector.log)


def test_three_thousand_metrics_of_one_flush_all_arrive(
    collector: Collector, client_warnings: Callable[[], list[str]]
) -> None:
    client = MetricsClient(collector.url, KEY, project="shop")
    for number in range(1000):
        client.counter("orders_total", labels={"plan": "pro" if number % 4 else "free"})
        client.histogram("order_seconds", number / 1000)
        client.gauge("orders_open", number)
    client.flush()

    assert client_warnings() == []
    assert collector.total("orders_total", project="shop")["sum"] == 1000
    assert collector.total("orders_total", labels="plan:free")["sum"] == 250
    seconds = collector.total("order_seconds", project="shop")
    assert (seconds["count"], seconds["min"], seconds["max"]) == (1000, 0, 0.999)
    assert seconds["p95"] == pytest.approx(0.949, rel=0.011)
    assert collector.total("orders_open")["last"] == 999
    assert collector.get("/api/projects") == {"projects": ["shop"]}


def test_what_was_measured_is_there_after_a_crash(collector: Collector) -> None:
    client = MetricsClient(collector.url, KEY)
    client.counter("orders_total", value=7)
    client.flush()
    collector.kill()
    collector.start()
    assert collector.total("orders_total")["sum"] == 7


def test_requests_of_an_app_are_counted_by_its_routes(
    collector: Collector, client_warnings: Callable[[], list[str]]
) -> None:
    app = FastAPI()

    @app.get("/carts/{cart}")
    def cart(cart: int) -> int:
        return cart

    clients = setup_monlight(app, metrics_collector_url=collector.url, api_key=KEY, project="shop")
    with TestClient(app) as browser:
        for number in range(20):
            assert browser.get(f"/carts/{number}").status_code == 200
        assert browser.get("/carts/none").status_code == 422
    clients["metrics_client"].shutdown()

    assert client_warnings() == []
    taken = collector.total("http_requests_total", labels="endpoint:/carts/{cart},status:200")
    assert taken["sum"] == 20
    assert collector.total("http_requests_total", labels="status:422")["sum"] == 1
    assert collector.total("http_request_duration_seconds", labels="method:GET")["count"] == 21
