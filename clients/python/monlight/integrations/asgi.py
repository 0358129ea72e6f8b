"""ASGI middleware: Starlette, FastAPI, and any other app that speaks ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from monlight import context, transport
from monlight.consumers import ConsumerClient
from monlight.observer import Observer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "monlight.prefix"
"""In the scope: the patterns of the mounts it went through."""
CONTEXT = "monlight.context"
"""In the scope: the `context.Scope` of the request, for handlers that are called after it was left."""


class AsgiRequest:
    """The request as a report shows it."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def method(self) -> str:
        return str(self._scope["method"])

    def url(self) -> str:
        scope = self._scope
        host = self.headers().get("host")
        if host is None and scope.get("server"):
            name, port = scope["server"]
            host = f"{name}:{port}" if port else str(name)
        query = scope.get("query_string", b"").decode("latin-1")
        path = quote(scope.get("path", ""), safe="/:@!$&'()*+,;=~-._")
        return f"{scope.get('scheme', 'http')}://{host or ''}{path}{'?' if query else ''}{query}"

    def headers(self) -> Mapping[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._scope["headers"]}


class MonlightAsgiMiddleware:
    """Tells of each HTTP request; hands all else on. At the end of the lifespan what waits is sent."""

    def __init__(
        self, app: App, observer: Observer | None = None, *, consumers: ConsumerClient | None = None
    ) -> None:
        self.app = app
        self.observer = observer or Observer(consumers=consumers)
        watch_mounts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await watch(self.app, self.observer, scope, receive, send)


async def watch(app: App, observer: Observer, scope: Scope, receive: Receive, send: Send) -> None:
    """One call of an ASGI app, watched. In one piece, since each request pays for every call in here."""
    kind = scope["type"]
    # Apps may be mounted in apps, and be called by way of both.
    if kind != "http" or observer.mark in scope:
        await app(scope, receive, _flushing(send) if kind == "lifespan" else send)
        return
    scope[observer.mark] = True
    status = 500
    path = scope["path"]

    def noting(message: Message) -> Awaitable[None]:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        return send(message)

    # A middleware within another one, of other clients, sees the same request.
    token = None
    if CONTEXT not in scope:
        scope[CONTEXT] = here = context.Scope(AsgiRequest(scope))
        token = context.enter(here)
    start = time.perf_counter()
    try:
        await app(scope, receive, noting)
    except Exception as error:
        status = 500
        observer.failed(error, f"{scope['method']} {endpoint(scope, path)}")
        raise
    finally:
        duration_s = time.perf_counter() - start
        observer.answered(scope["method"], endpoint(scope, path), status, duration_s, caller, scope)
        if token is not None:
            context.leave(token)


def _flushing(send: Send) -> Send:
    async def on(message: Message) -> None:
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            await asyncio.get_running_loop().run_in_executor(None, transport.flush)
        await send(message)

    return on


def endpoint(scope: Scope, path: str) -> str:
    """The pattern of the route, with those of the mounts before it; else the path as it came."""
    pattern = _pattern(scope)
    prefix: str = scope.get(PREFIX, "")
    if pattern is not None:
        return prefix + pattern
    return path


def _pattern(scope: Scope) -> str | None:
    route = scope.get("route")
    # A router that was included with a prefix: FastAPI keeps the whole pattern here, and the route has its own part.
    included = scope.get("fastapi")
    if included:
        effective = included.get("effective_route_context")
        if effective is not None and getattr(effective, "original_route", route) is route:
            pattern = getattr(effective, "path", None)
            if isinstance(pattern, str):
                return pattern
    pattern = getattr(route, "path", None)
    if isinstance(pattern, str):
        return pattern
    return _pattern_by_endpoint(scope)


def _pattern_by_endpoint(scope: Scope) -> str | None:
    """For Starlette before it put the route into the scope."""
    wanted, router = scope.get("endpoint"), scope.get("router")
    if wanted is None or router is None or "path_params" not in scope:
        return None
    for route in getattr(router, "routes", ()):
        if getattr(route, "endpoint", None) is wanted:
            return str(route.path)
    return None


def caller(consumers: ConsumerClient, scope: Scope) -> tuple[str, str | None]:
    """Consumer and context of a request: `request.state.malti_consumer`, or `monlight.set_consumer`, first."""
    here = context.current()
    state = scope.get("state") or {}
    said = state.get("malti_consumer", here.consumer)
    in_context = state.get("malti_context", here.consumer_context)
    peer = scope.get("client")

    def header(name: str) -> str | None:
        wanted = name.encode("latin-1")
        return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), None)

    query = scope.get("query_string", b"").decode("latin-1")
    consumer = consumers.consumer(said, header, query, peer[0] if peer else None)
    return consumer, None if in_context is None else str(in_context)


def watch_mounts() -> None:
    """Has Starlette's mounts leave their pattern in the scope, since the scope has only the path they matched."""
    try:
        from starlette.routing import Mount
    except ImportError:
        return
    original = Mount.handle
    if getattr(original, "_monlight", False):
        return

    async def handle(self: Mount, scope: Scope, receive: Receive, send: Send) -> None:
        scope[PREFIX] = scope.get(PREFIX, "") + self.path
        # Its own routes are looked at anew; what matched until here was the mount.
        scope.pop("route", None)
        await original(self, scope, receive, send)

    handle._monlight = True  # type: ignore[attr-defined]
    Mount.handle = handle  # type: ignore[method-assign]
