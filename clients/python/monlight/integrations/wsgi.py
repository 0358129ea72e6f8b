"""WSGI middleware: any app that speaks WSGI. Flask and Django, which know their routes, have their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.util import request_uri

from monlight import context
from monlight.consumers import ConsumerClient
from monlight.observer import Observer

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
RouteOf = Callable[[Environ], "str | None"]


class WsgiRequest:
    """The request as a report shows it."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def method(self) -> str:
        return str(self._environ.get("REQUEST_METHOD", "GET"))

    def url(self) -> str:
        return request_uri(self._environ)

    def headers(self) -> Mapping[str, str]:
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in self._environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if value := self._environ.get(name):
                headers[name.replace("_", "-").lower()] = str(value)
        return headers


class MonlightWsgiMiddleware:
    """Tells of each request. `route_of` says the pattern of the route of an environ, where the framework knows it.

    For Flask use `flask_route`; mounts (`SCRIPT_NAME`) are put before the pattern.
    """

    def __init__(
        self,
        app: App,
        observer: Observer | None = None,
        *,
        consumers: ConsumerClient | None = None,
        route_of: RouteOf | None = None,
    ) -> None:
        self.app = app
        self.observer = observer or Observer(consumers=consumers)
        self.route_of = route_of or flask_route

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return watch(self.app, self.observer, self.route_of, environ, start_response)


def watch(
    app: App, observer: Observer, route_of: RouteOf, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """One call of a WSGI app, watched until it returns its body."""
    if observer.mark in environ:
        return app(environ, start_response)
    environ[observer.mark] = True
    status, pattern = "500", None
    # What a mount moves from one to the other is its prefix.
    mount = environ.get("SCRIPT_NAME", "")
    path = environ.get("PATH_INFO", "")
    start = time.perf_counter()

    def noting(line: str, *rest: Any, **more: Any) -> Callable[[bytes], object]:
        nonlocal status, pattern
        status = line
        # Now, since Flask forgets its request before it returns.
        pattern = _pattern(environ, mount, route_of)
        return start_response(line, *rest, **more)

    token = None
    if context.current().request is None:
        token = context.enter(context.Scope(WsgiRequest(environ)))
    try:
        return app(environ, noting)
    except Exception as error:
        status, pattern = "500", pattern or _pattern(environ, mount, route_of)
        observer.failed(error, f"{environ.get('REQUEST_METHOD')} {pattern or path}")
        raise
    finally:
        observer.answered(
            str(environ.get("REQUEST_METHOD", "GET")),
            pattern or path or "/",
            int(status[:3]) if status[:3].isdigit() else 500,
            time.perf_counter() - start,
            caller,
            environ,
        )
        if token is not None:
            context.leave(token)


def flask_route(environ: Environ) -> str | None:
    """The rule that Flask, or another user of Werkzeug's requests, has matched."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    pattern = getattr(rule, "rule", None)
    return pattern if isinstance(pattern, str) else None


def _pattern(environ: Environ, mount: str, route_of: RouteOf) -> str | None:
    """With what dispatchers have moved from the path to the mount."""
    try:
        pattern = route_of(environ)
    except Exception:
        return None
    script = environ.get("SCRIPT_NAME", "")
    return None if pattern is None else script.removeprefix(mount) + pattern


def caller(consumers: ConsumerClient, environ: Environ) -> tuple[str, str | None]:
    """Consumer and context of a request: `monlight.set_consumer` or `environ["malti.consumer"]` first."""
    here = context.current()
    said = here.consumer if here.consumer is not None else environ.get("malti.consumer")
    in_context = here.consumer_context
    if in_context is None and environ.get("malti.context") is not None:
        in_context = str(environ["malti.context"])

    def header(name: str) -> str | None:
        value = environ.get("HTTP_" + name.upper().replace("-", "_"))
        return None if value is None else str(value)

    query = environ.get("QUERY_STRING", "")
    return consumers.consumer(said, header, query, environ.get("REMOTE_ADDR")), in_context
