"""API consumers: our middleware beside Malti's own client, in the same app, for the same requests."""

import asyncio
import re
from collections import Counter
from typing import Any

import httpx
import malti_telemetry.core
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request
from flask import Flask
from malti_telemetry.middleware import MaltiMiddleware
from receiver import Receiver
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from told import calls
from waiting import eventually
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import monlight
from monlight import ConsumerClient
from monlight.consumers import anonymized
from monlight.integrations.asgi import MonlightAsgiMiddleware
from monlight.integrations.wsgi import MonlightWsgiMiddleware


def shop() -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/items")

    @router.get("/{item}")
    async def item(item: str) -> str:
        return item

    app.include_router(router, prefix="/v2")

    @app.get("/users/{user_id}")
    async def user(user_id: int) -> int:
        return user_id

    @app.get("/state")
    async def state(request: Request) -> str:
        request.state.malti_consumer = "from-state"
        request.state.malti_context = "ctx-A"
        return "x"

    @app.get("/fails/{code}")
    async def fails(code: int) -> None:
        raise HTTPException(code)

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("kaput")

    async def plain(request: Request) -> PlainTextResponse:
        return PlainTextResponse("x")

    app.mount("/inner", Starlette(routes=[Route("/{x}", plain)]))
    return app


REQUESTS: list[tuple[str, dict[str, str]]] = [
    ("/users/1", {"X-Consumer-ID": "mobile", "X-User-ID": "u1"}),
    ("/users/1", {"X-User-ID": "u1", "Consumer-ID": "c2"}),
    ("/users/1", {"Consumer-ID": "c2", "User-ID": "u3"}),
    ("/users/1", {"User-ID": "u3"}),
    ("/users/1", {}),
    ("/users/1", {"X-Forwarded-For": "203.0.113.9, 10.0.0.1"}),
    ("/users/1", {"X-Forwarded-For": "2001:db8::1"}),
    ("/users/1", {"X-Forwarded-For": "not an address"}),
    ("/users/abc", {}),
    ("/state", {"X-Consumer-ID": "mobile"}),
    ("/fails/401", {}),
    ("/fails/403", {}),
    ("/fails/404", {}),
    ("/fails/503", {}),
    ("/nope", {}),
    ("/boom", {}),
]


async def ask(app: Any, requests: list[tuple[str, dict[str, str]]]) -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("198.51.100.7", 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        for path, headers in requests:
            await client.get(path, headers=headers)


@pytest.mark.parametrize("use_ip", [False, True])
def test_the_same_requests_give_the_same_records_as_maltis_own_client(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, use_ip: bool
) -> None:
    settings = {
        "SERVICE_NAME": "shop-api",
        "API_KEY": "KEY",
        "URL": receiver.url,
        "NODE": "node-7",
        "USE_IP_AS_CONSUMER": str(use_ip),
        "IP_ANONYMIZE": "true",
        "CLEAN_MODE": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"MALTI_{name}", value)
    monkeypatch.setattr(malti_telemetry.core, "_telemetry_system", None, raising=False)
    ours = ConsumerClient(receiver.url, "KEY", "shop-api", "node-7", use_ip=use_ip)
    app = shop()
    app.add_middleware(MaltiMiddleware, auto_inject_lifespan=False)
    app.add_middleware(MonlightAsgiMiddleware, consumers=ours)
    asyncio.run(ask(app, REQUESTS))
    assert ours.flush()
    [request] = receiver.received
    assert (request.path, request.headers["x-api-key"]) == ("/api/v1/ingest", "KEY")
    sent = calls(receiver)
    theirs = malti_records()
    assert len(theirs) == len(sent) > 10
    # Set to what it is: ours has the prefix, theirs the router's part alone.
    for mine, other in zip(sent, theirs, strict=True):
        # Beyond Malti's fields, which its server passes over.
        assert mine.pop("response_time_us") // 1000 in (mine["response_time"], mine["response_time"] + 1)
        assert sorted(mine) == sorted(other)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", mine["created_at"])
        assert mine["response_time"] >= 0
        for field in ("service", "method", "endpoint", "status", "consumer", "node", "context"):
            assert mine[field] == other[field], (field, mine, other)


def malti_records() -> list[dict[str, Any]]:
    """What Malti's client holds, which it has not sent yet."""
    buffer = malti_telemetry.core.get_telemetry_system().batch_sender.buffer
    return [record.to_dict() for record in buffer.get_batch(1000)]


def consumers_of(receiver: Receiver, client: ConsumerClient) -> list[str]:
    assert client.flush()
    return [it["consumer"] for it in calls(receiver)]


def test_a_request_below_a_millisecond_has_its_microseconds(receiver: Receiver) -> None:
    client = ConsumerClient(receiver.url, "KEY", "shop-api", "n")
    client.record("GET", "/quick", 200, 0.000_412_4)
    client.record("GET", "/slow", 200, 1.25)
    assert client.flush()
    times = [(it["response_time"], it["response_time_us"]) for it in calls(receiver)]
    assert times == [(0, 412), (1250, 1_250_000)]


def test_what_malti_only_documents_is_there_query_parameters_and_mounts(receiver: Receiver) -> None:
    client = ConsumerClient(receiver.url, "KEY", "shop-api", "n")
    app = shop()
    app.add_middleware(MonlightAsgiMiddleware, consumers=client)
    requests = [
        ("/users/1?consumer_id=c%201&user_id=u1", {}),
        ("/users/1?user_id=u1", {}),
        ("/users/1?user_id=u1", {"User-ID": "h1"}),
        ("/inner/3", {}),
        ("/v2/items/3", {}),
    ]
    asyncio.run(ask(app, requests))
    assert consumers_of(receiver, client) == ["c 1", "u1", "h1", "anonymous", "anonymous"]
    assert [it["endpoint"] for it in calls(receiver)][3:] == ["/inner/{x}", "/v2/items/{item}"]


def test_an_app_may_say_who_it_is_from_anywhere(receiver: Receiver) -> None:
    client = ConsumerClient(receiver.url, "KEY", "shop-api", "n")
    app = FastAPI()
    app.add_middleware(MonlightAsgiMiddleware, consumers=client)

    @app.get("/")
    def index() -> None:
        monlight.set_consumer("partner", context="batch")

    asyncio.run(ask(app, [("/", {"X-Consumer-ID": "mobile"})]))
    assert consumers_of(receiver, client) == ["partner"]
    assert calls(receiver)[0]["context"] == "batch"


def test_without_clean_mode_all_statuses_are_recorded(receiver: Receiver) -> None:
    client = ConsumerClient(receiver.url, "KEY", "shop-api", "n", clean_mode=False)
    app = shop()
    app.add_middleware(MonlightAsgiMiddleware, consumers=client)
    asyncio.run(ask(app, [("/fails/401", {}), ("/nope", {})]))
    assert client.flush()
    assert Counter(it["status"] for it in calls(receiver)) == Counter([401, 404])


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.9", "203.0.113.xxx"),
        ("2001:db8::1", "2001:0db8:0000:0000:xxxx:xxxx:xxxx:xxxx"),
        ("unix:", "unix:"),
    ],
)
def test_addresses_lose_what_names_a_person(address: str, shown: str) -> None:
    assert anonymized(address) == shown


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"use_ip": True}, "203.0.113.xxx"),
        ({"use_ip": True, "anonymize_ip": False}, "203.0.113.9"),
        ({"use_ip": True, "trust_forwarded": False}, "127.0.0.xxx"),
        ({}, "anonymous"),
    ],
)
def test_wsgi_apps_are_recorded_with_rules_and_mounts(
    receiver: Receiver, options: dict[str, bool], shown: str
) -> None:
    client = ConsumerClient(receiver.url, "KEY", "shop-api", "n", **options)  # type: ignore[arg-type]
    app, inner = Flask("outer"), Flask("inner")

    @app.get("/users/<int:user_id>")
    def user(user_id: int) -> str:
        return "x"

    @inner.get("/things/<thing>")
    def thing(thing: str) -> str:
        monlight.set_consumer("partner")
        return "x"

    both = MonlightWsgiMiddleware(
        DispatcherMiddleware(app.wsgi_app, {"/inner": inner.wsgi_app}), consumers=client
    )
    app.wsgi_app = both  # type: ignore[method-assign,assignment]
    browser = app.test_client()
    browser.get("/users/1", headers={"X-Forwarded-For": "203.0.113.9"})
    browser.get("/inner/things/a?consumer_id=q")
    browser.get("/nope")
    assert client.flush()
    assert [(it["endpoint"], it["status"], it["consumer"]) for it in calls(receiver)] == [
        ("/users/<int:user_id>", 200, shown),
        ("/inner/things/<thing>", 200, "partner"),
    ]


def test_after_init_all_frameworks_record_consumers(receiver: Receiver) -> None:
    it = monlight.init(
        api_key="k",
        project="shop-api",
        metrics_collector_url=receiver.url,
        consumers={"node": "n-1", "api_key": "of-the-service"},
        integrations=["starlette"],
        flush_interval=3600,
    )
    asyncio.run(ask(shop(), REQUESTS[:1]))
    eventually(it.flush, "all is sent")
    [record] = calls(receiver)
    assert (record["service"], record["node"], record["consumer"]) == ("shop-api", "n-1", "mobile")
    keys = {request.path: request.headers["x-api-key"] for request in receiver.received}
    assert keys == {"/api/v1/ingest": "of-the-service", "/api/metrics": "k"}
