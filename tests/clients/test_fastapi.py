"""`monlight.integrations.fastapi` as published: an unhandled exception of an app becomes a report."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, HTTPException
from monlight.integrations.fastapi import setup_monlight

from tracker import KEY, Tracker
from waiting import PATIENCE, eventually


class OutOfStock(Exception):
    pass


def shop(tracker: Tracker) -> FastAPI:
    app = FastAPI()
    setup_monlight(app, error_tracker_url=tracker.url, api_key=KEY, project="shop-api")

    @app.post("/orders/{sku}")
    async def order(sku: str) -> None:
        raise OutOfStock(f"no {sku} left")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/gone")
    async def gone() -> None:
        raise HTTPException(404)

    return app


async def ask(app: FastAPI, method: str, path: str) -> httpx.Response:
    """One request, and the end of whatever it left running: reports are sent by a task of their own."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        answer = await client.request(method, path, headers={"X-Api-Key": "of the shop", "X-Trace": "t-9"})
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    return answer


def check(tracker: Tracker, url: str) -> None:
    [row] = tracker.get("/api/errors", project="shop-api")["errors"]
    assert (row["exception_type"], row["message"], row["count"]) == ("OutOfStock", "no mug left", 1)
    group = tracker.get(f"/api/errors/{row['id']}")
    assert 'raise OutOfStock(f"no {sku} left")' in group["traceback"]
    [occurrence] = group["occurrences"]
    assert occurrence["request_method"] == "POST"
    assert occurrence["request_url"] == url
    assert occurrence["request_headers"]["x-trace"] == "t-9"
    assert "x-api-key" not in occurrence["request_headers"]
    with tracker.signed_in() as browser:
        assert "OutOfStock" in browser.get("/").raise_for_status().text
        page = browser.get(f"/errors/{row['id']}").raise_for_status().text
    assert "no mug left" in page
    assert "fastapi/routing.py" in page.replace("<b>", "").replace("</b>", "")


def test_an_unhandled_exception_is_reported_with_its_request(
    tracker: Tracker, client_warnings: Callable[[], list[str]]
) -> None:
    answer = asyncio.run(ask(shop(tracker), "POST", "/orders/mug?size=l"))
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal server error"})
    check(tracker, "http://shop.example/orders/mug?size=l")
    assert client_warnings() == []


def test_what_the_app_answers_itself_is_no_error(tracker: Tracker) -> None:
    app = shop(tracker)
    assert asyncio.run(ask(app, "GET", "/health")).status_code == 200
    assert asyncio.run(ask(app, "GET", "/gone")).status_code == 404
    assert asyncio.run(ask(app, "GET", "/unknown")).status_code == 404
    assert tracker.get("/api/errors")["total"] == 0


@pytest.fixture
def served(tracker: Tracker) -> Iterator[str]:
    """The address of the shop, served by uvicorn."""
    server = uvicorn.Server(uvicorn.Config(shop(tracker), port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started, "uvicorn listens")
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(PATIENCE)


def test_the_same_behind_a_real_web_server(
    tracker: Tracker, served: str, client_warnings: Callable[[], list[str]]
) -> None:
    url = f"{served}/orders/mug?size=l"
    answer = httpx.post(url, headers={"X-Api-Key": "of the shop", "X-Trace": "t-9"}, timeout=PATIENCE)
    assert answer.status_code == 500
    eventually(lambda: tracker.get("/api/errors")["total"], "the report arrived")
    check(tracker, url)
    assert client_warnings() == []
