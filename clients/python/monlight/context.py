"""What is known of the request or task that is being worked on: user, request id, trace id, tags, breadcrumbs.

Held in a context variable, so that threads and asyncio tasks see their own. One `Scope` is shared by everything
that a request starts; what is set outside any request belongs to the process.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

BREADCRUMBS = 100
"""Kept of a scope; the tracker keeps as many."""


class RequestInfo(Protocol):
    """The request that a framework is answering. Read only when something is reported, since that is rare."""

    def method(self) -> str: ...

    def url(self) -> str: ...

    def headers(self) -> Mapping[str, str]: ...


class Scope:
    """What is known of one request, one task, or (the outermost) the process."""

    __slots__ = (
        "breadcrumbs",
        "consumer",
        "consumer_context",
        "request",
        "request_id_",
        "tags",
        "trace_id_",
        "transaction",
        "user",
    )

    def __init__(self, request: RequestInfo | None = None, transaction: str | None = None) -> None:
        self.request = request
        self.transaction = transaction
        self.user: dict[str, Any] | None = None
        self.tags: dict[str, str] | None = None
        self.breadcrumbs: deque[dict[str, Any]] | None = None
        self.request_id_: str | None = None
        self.trace_id_: str | None = None
        self.consumer: str | None = None
        self.consumer_context: str | None = None

    def request_id(self) -> str | None:
        """As set, or of the header `X-Request-ID`, or made up once; None outside a request."""
        if self.request_id_ is None and self.request is not None:
            self.request_id_ = self._header("x-request-id")[:128] or uuid.uuid4().hex
        return self.request_id_

    def trace_id(self) -> str | None:
        """As set, or of the header `traceparent` (W3C Trace Context)."""
        if self.trace_id_ is None and self.request is not None:
            parts = self._header("traceparent").split("-")
            self.trace_id_ = parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""
        return self.trace_id_ or None

    def _header(self, name: str) -> str:
        try:
            headers = self.request.headers() if self.request else {}
            return next((value for key, value in headers.items() if key.lower() == name), "")
        except Exception:
            return ""


_PROCESS = Scope()
_scope: ContextVar[Scope | None] = ContextVar("monlight_scope", default=None)


def current() -> Scope:
    """The scope of this request or task; outside of one, that of the process."""
    return _scope.get() or _PROCESS


def process() -> Scope:
    """What holds for all scopes."""
    return _PROCESS


enter = _scope.set
leave = _scope.reset


@contextlib.contextmanager
def scope(transaction: str | None = None) -> Iterator[Scope]:
    """For a piece of work of its own: what is set inside is forgotten at the end."""
    here = Scope(transaction=transaction)
    token = enter(here)
    try:
        yield here
    finally:
        leave(token)


def set_user(user: Mapping[str, Any] | str | int | None) -> None:
    """Whom it happens to: an id, or `id`, `username`, `email`, `ip_address`."""
    if user is None or isinstance(user, Mapping):
        current().user = dict(user) if user else None
    else:
        current().user = {"id": str(user)}


def set_tag(name: str, value: object) -> None:
    """A name and a value to filter by."""
    here = current()
    here.tags = {**(here.tags or {}), str(name): str(value)}


def set_request_id(request_id: str | None) -> None:
    """In place of the one of the header `X-Request-ID`."""
    current().request_id_ = request_id


def set_trace_id(trace_id: str | None) -> None:
    """In place of the one of the header `traceparent`."""
    current().trace_id_ = trace_id


def set_consumer(consumer: str | None, context: str | None = None) -> None:
    """Who calls this API, where neither the framework's state nor a header says it; and in which context."""
    here = current()
    here.consumer = consumer
    here.consumer_context = context if context is not None else here.consumer_context


def add_breadcrumb(
    message: str | None = None,
    *,
    category: str = "default",
    level: str = "info",
    type: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """What happened before, for the reports to come. The newest hundred are kept."""
    crumb: dict[str, Any] = {"timestamp": time.time(), "category": category, "level": level}
    if type:
        crumb["type"] = type
    if message is not None:
        crumb["message"] = str(message)[:1000]
    if data:
        crumb["data"] = dict(data)
    here = current()
    if here.breadcrumbs is None:
        here.breadcrumbs = deque(maxlen=BREADCRUMBS)
    here.breadcrumbs.append(crumb)
