"""`malti-telemetry` 1.0.4 as published, in a FastAPI app: what the app answers is in the collector's aggregates."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from malti_telemetry.middleware import MaltiMiddleware

from collector import Collector
from waiting import eventually

CONFIG = """
[services.shop-api]
api_key = "key-of-the-shop"
[users.ann]
api_key = "key-of-ann"
"""
N_USERS = 40


@pytest.fixture
def collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    config = tmp_path / "malti.toml"
    config.write_text(CONFIG)
    collector = Collector(tmp_path / "collector", MALTI_CONFIG_PATH=config)
    collector.start()
    # The client reads them once in a process, with its first request.
    monkeypatch.setenv("MALTI_URL", collector.url)
    monkeypatch.setenv("MALTI_API_KEY", "key-of-the-shop")
    monkeypatch.setenv("MALTI_SERVICE_NAME", "shop-api")
    monkeypatch.setenv("MALTI_NODE", "node-7")
    monkeypatch.setenv("MALTI_BATCH_INTERVAL", "0.1")
    monkeypatch.setenv("MALTI_BATCH_SIZE", "25")
    yield collector
    if collector.is_running():
        collector.kill()
    print(collector.log)


def shop() -> FastAPI:
    app = FastAPI()
    app.add_middleware(MaltiMiddleware)

    @app.get("/users/{user_id}")
    async def user(user_id: int) -> dict[str, int]:
        return {"id": user_id}

    @app.get("/orders/{order_id}/<raw>&")
    async def order(order_id: str, request: Request) -> None:
        request.state.malti_context = "checkout"
        request.state.malti_consumer = "cart"
        raise RuntimeError("the shop is broken")

    @app.get("/secret")
    async def secret() -> None:
        raise HTTPException(401)

    return app


def aggregate(collector: Collector, **parameters: str) -> dict:
    answer = httpx.get(
        f"{collector.url}/api/v1/metrics/aggregate/realtime",
        params=parameters,
        headers={"X-API-Key": "key-of-ann"},
        timeout=20,
    )
    return answer.raise_for_status().json()


def test_an_app_with_maltis_client_is_seen(collector: Collector) -> None:
    with TestClient(shop(), raise_server_exceptions=False) as browser:
        for number in range(N_USERS):
            browser.get(f"/users/{number}", headers={"X-Consumer-ID": f"app-{number % 2}"})
        assert browser.get("/users/nobody").status_code == 422
        assert browser.get("/orders/7/<raw>&").status_code == 500
        # Neither is recorded: clean mode.
        assert browser.get("/secret").status_code == 401
        assert browser.get("/nowhere").status_code == 404
        n_expected = N_USERS + 2
        told = eventually(
            lambda: (
                (told := aggregate(collector))["metrics_summary"]["total_requests"] == n_expected and told
            ),
            "all requests arrived",
        )
    rows = {(row["method"], row["endpoint"]): row for row in told["endpoints"]}
    users = rows["GET", "/users/{user_id}"]
    assert (users["service"], users["total_requests"], users["error_count"]) == ("shop-api", N_USERS + 1, 1)
    assert rows["GET", "/orders/{order_id}/<raw>&"]["error_rate"] == 100
    consumers = {row["consumer"]: row["total_requests"] for row in told["consumers"]}
    assert consumers == {"app-0": N_USERS // 2, "app-1": N_USERS // 2, "anonymous": 1, "cart": 1}
    [statuses] = told["status_distribution"]
    assert statuses["status_breakdown"] == {"200": N_USERS, "422": 1, "500": 1}
    assert (told["distinct_nodes"], told["distinct_contexts"]) == (["node-7"], ["checkout"])
    checkout = aggregate(collector, context="checkout")
    assert checkout["system_overview"]["total_errors"] == 1
