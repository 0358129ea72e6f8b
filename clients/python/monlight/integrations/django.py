"""Watches the Django app of the process, whether it speaks WSGI or ASGI."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from monlight import context
from monlight.consumers import ConsumerClient
from monlight.integrations.patching import on_restore, replace
from monlight.observer import Observer


class DjangoRequest:
    """The request as a report shows it."""

    __slots__ = ("_request",)

    def __init__(self, request: Any) -> None:
        self._request = request

    def method(self) -> str:
        return str(self._request.method)

    def url(self) -> str:
        # Not `build_absolute_uri`, which refuses hosts that are not allowed, of which an error may speak.
        request = self._request
        return f"{request.scheme}://{request.META.get('HTTP_HOST', '')}{request.get_full_path()}"

    def headers(self) -> Mapping[str, str]:
        return {str(name).lower(): str(value) for name, value in self._request.headers.items()}


def install(observer: Observer) -> None:
    """Each request goes through `get_response`; what is answered 500 is told by Django's signal."""
    from django.core.handlers.base import BaseHandler
    from django.core.signals import got_request_exception

    def make(original: Any) -> Any:
        def get_response(self: Any, request: Any) -> Any:
            watched = _Watched(observer, request)
            try:
                watched.status = (response := original(self, request)).status_code
                return response
            finally:
                watched.end()

        return get_response

    def make_async(original: Any) -> Any:
        async def get_response_async(self: Any, request: Any) -> Any:
            watched = _Watched(observer, request)
            try:
                watched.status = (response := await original(self, request)).status_code
                return response
            finally:
                watched.end()

        return get_response_async

    def on_exception(request: Any = None, **_: object) -> None:
        import sys

        if error := sys.exc_info()[1]:
            observer.failed(error, f"{request.method} {endpoint(request)}" if request is not None else None)

    replace(BaseHandler, "get_response", make)
    replace(BaseHandler, "get_response_async", make_async)
    got_request_exception.connect(on_exception, weak=False)
    on_restore(lambda: got_request_exception.disconnect(on_exception))


class _Watched:
    """One request, from its start to `end`."""

    def __init__(self, observer: Observer, request: Any) -> None:
        self.status = 500
        self._observer = observer
        self._request = request
        self._start = time.perf_counter()
        self._token = context.enter(context.Scope(DjangoRequest(request)))

    def end(self) -> None:
        request = self._request
        self._observer.answered(
            str(request.method),
            endpoint(request),
            self.status,
            time.perf_counter() - self._start,
            caller,
            request,
        )
        context.leave(self._token)


def endpoint(request: Any) -> str:
    """The pattern of the route, with those of `include`; else the path as it came."""
    match = getattr(request, "resolver_match", None)
    route = getattr(match, "route", None)
    return f"/{route}" if isinstance(route, str) else str(request.path)


def caller(consumers: ConsumerClient, request: Any) -> tuple[str, str | None]:
    """Consumer and context of a request: `monlight.set_consumer` or `request.malti_consumer` first."""
    here = context.current()
    said = here.consumer if here.consumer is not None else getattr(request, "malti_consumer", None)
    in_context = here.consumer_context or getattr(request, "malti_context", None)
    meta = request.META
    consumer = consumers.consumer(
        said,
        lambda name: meta.get("HTTP_" + name.upper().replace("-", "_")),
        meta.get("QUERY_STRING", ""),
        meta.get("REMOTE_ADDR"),
    )
    return consumer, None if in_context is None else str(in_context)
