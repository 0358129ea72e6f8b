"""FastAPI and Starlette, watched after `init`, and the ASGI middleware: routes, mounts, errors, context."""

import asyncio
import logging
from collections import Counter
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from receiver import Receiver
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from told import counted, reports

import monlight


async def ask(app: Any, *paths: str, **options: Any) -> list[int]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        return [(await client.get(path, **options)).status_code for path in paths]


def watched(receiver: Receiver, **options: Any) -> monlight.Monlight:
    return monlight.init(
        api_key="k",
        project="shop",
        error_tracker_url=receiver.url,
        metrics_collector_url=receiver.url,
        flush_interval=3600,
        integrations=["starlette"],
        **options,
    )


def shop() -> FastAPI:
    items = APIRouter(prefix="/items")

    @items.get("/{item}")
    async def item(item: str) -> str:
        return item

    deep = APIRouter(prefix="/deep")
    deep.include_router(items)

    async def plain(request: Request) -> PlainTextResponse:
        return PlainTextResponse("x")

    inner = FastAPI()

    @inner.get("/in/{x}")
    def in_it(x: int) -> int:
        return x

    routes = [Route("/a/{b}", plain), Mount("/m/{t}", routes=[Route("/c/{d}", plain)])]
    app = FastAPI()
    app.include_router(items, prefix="/v2")
    app.include_router(deep, prefix="/v3")
    app.mount("/sub/{tenant}", inner)
    app.mount("/st", Starlette(routes=routes))

    @app.get("/users/{user_id}")
    async def user(user_id: int) -> int:
        return user_id

    @app.get("/boom/{n}")
    async def boom(n: int) -> None:
        monlight.set_user(f"user-{n}")
        monlight.add_breadcrumb(f"step {n}")
        await asyncio.sleep(0)
        raise ValueError(f"kaput {n}")

    return app


PATTERNS = {
    "/users/1": "/users/{user_id}",
    "/users/x": "/users/{user_id}",
    "/v2/items/3": "/v2/items/{item}",
    "/v3/deep/items/3": "/v3/deep/items/{item}",
    "/sub/7/in/3": "/sub/{tenant}/in/{x}",
    "/st/a/1": "/st/a/{b}",
    "/st/m/9/c/1": "/st/m/{t}/c/{d}",
    "/nope": "/nope",
}


def test_endpoints_are_whole_patterns_mounts_and_prefixes_included(receiver: Receiver) -> None:
    it = watched(receiver)
    asyncio.run(ask(shop(), *PATTERNS))
    it.flush()
    expected = Counter((pattern,) for pattern in PATTERNS.values())
    assert counted(receiver, "http_requests_total", "endpoint") == expected


def test_an_app_that_was_made_before_init_is_watched_and_left_alone_after_close(receiver: Receiver) -> None:
    app = shop()
    asyncio.run(ask(app, "/users/1"))
    it = watched(receiver)
    asyncio.run(ask(app, "/users/2"))
    it.close()
    asyncio.run(ask(app, "/users/3"))
    it.flush()
    assert counted(receiver, "http_requests_total", "endpoint", "status") == Counter(
        {("/users/{user_id}", "200"): 1}
    )


def test_an_exception_is_reported_with_what_its_own_request_knew(receiver: Receiver) -> None:
    it = watched(receiver)
    app = shop()

    async def at_once() -> None:
        await asyncio.gather(
            *(ask(app, f"/boom/{n}?token=t", headers={"X-Request-ID": f"r-{n}"}) for n in range(5))
        )

    asyncio.run(at_once())
    it.flush()
    found = {report["message"]: report for report in reports(receiver)}
    assert len(found) == 5
    for n in range(5):
        report = found[f"kaput {n}"]
        assert report["transaction"] == "GET /boom/{n}"
        assert report["user_id"] == f"user-{n}"
        assert report["tags"]["request_id"] == f"r-{n}"
        assert [crumb["message"] for crumb in report["breadcrumbs"]["values"]] == [f"step {n}"]
        assert report["request_url"] == f"http://shop.example/boom/{n}?token=%5BFiltered%5D"
        assert report["exception"]["values"][0]["mechanism"]["handled"] is False
    assert counted(receiver, "http_requests_total", "status") == Counter({("500",): 5})


def test_the_app_sees_its_own_exceptions_and_answers_as_ever(receiver: Receiver) -> None:
    watched(receiver)
    app = shop()

    @app.exception_handler(ValueError)
    async def on_value_error(request: Request, error: ValueError) -> PlainTextResponse:
        return PlainTextResponse("handled", 418)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    with TestClient(app) as client:
        assert client.get("/boom/1").status_code == 418
        assert client.get("/stream").text == "ab"
    assert reports(receiver) == []


def test_websockets_and_lifespans_pass_through(receiver: Receiver) -> None:
    watched(receiver)
    app = shop()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    with TestClient(app) as client, client.websocket_connect("/ws") as socket:
        assert socket.receive_text() == "hello"


def test_a_middleware_that_runs_the_app_in_a_task_of_its_own_changes_nothing(receiver: Receiver) -> None:
    it = watched(receiver)
    app = shop()

    async def dispatch(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    asyncio.run(ask(app, "/users/1", "/boom/1"))
    it.flush()
    assert counted(receiver, "http_requests_total", "endpoint", "status") == Counter(
        {("/users/{user_id}", "200"): 1, ("/boom/{n}", "500"): 1}
    )
    [report] = reports(receiver)
    assert report["user_id"] == "user-1"


def test_log_records_have_the_id_of_their_request(receiver: Receiver) -> None:
    it = monlight.init(api_key="k", log_viewer_url=receiver.url, integrations=["starlette"])
    app = FastAPI()
    log = logging.getLogger("shop")
    log.setLevel(logging.INFO)

    @app.get("/")
    def index() -> None:
        log.info("in a thread")

    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    asyncio.run(ask(app, "/", headers={"X-Request-ID": "r-1", "traceparent": traceparent}))
    asyncio.run(ask(app, "/"))
    it.flush()
    first, second = [entry for request in receiver.received for entry in request.body]
    assert (first["request_id"], first["trace_id"]) == ("r-1", "4bf92f3577b34da6a3ce929d0e0e4736")
    assert len(second["request_id"]) == 32
    assert "trace_id" not in second
