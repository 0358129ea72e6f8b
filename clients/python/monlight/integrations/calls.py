"""Requests that the app itself makes, by whichever library: counted, timed, and kept as breadcrumbs."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from contextvars import ContextVar
from urllib.parse import urlsplit

from monlight import context
from monlight.observer import Observer
from monlight.transport import sender

_MOST_ENDPOINTS = 200
"""Of the hosts that are called; further ones are one."""
_OTHER = "__other__"
_NAME = re.compile(r"^\d+$|^[0-9a-fA-F]{8,}$|^[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}$|\d{3,}")
_within: ContextVar[bool] = ContextVar("monlight_within_call", default=False)
_known: set[tuple[str, str]] = set()


class Call:
    """One request on its way. `status` is set by whoever gets the answer; 0 is that there was none."""

    def __init__(self) -> None:
        self.status = 0


@contextlib.contextmanager
def watched(observer: Observer, library: str, method: str, url: str) -> Iterator[Call]:
    """Around a request. Those that are part of one, and those of the sender itself, are not told of."""
    call = Call()
    if _within.get() or sender().is_current_thread():
        yield call
        return
    token = _within.set(True)
    start = time.perf_counter()
    try:
        yield call
    finally:
        _within.reset(token)
        _tell(observer, library, method, url, call.status, time.perf_counter() - start)


def _tell(observer: Observer, library: str, method: str, url: str, status: int, duration_s: float) -> None:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        host, path = _bounded(host, pattern(parts.path))
        labels = {"library": library, "method": method, "host": host, "endpoint": path, "status": str(status)}
        observer.count("http_client_requests_total", **labels)
        observer.timed("http_client_request_duration_seconds", duration_s, **labels)
        context.add_breadcrumb(
            category="http",
            type="http",
            level="info" if 0 < status < 500 else "error",
            data={"method": method, "url": f"{parts.scheme}://{host}{parts.path}", "status_code": status},
        )
    except Exception:
        return


def pattern(path: str) -> str:
    """A path in which numbers and ids are `{id}`."""
    return "/".join("{id}" if _NAME.search(part) else part for part in path.split("/"))[:200] or "/"


def _bounded(host: str, path: str) -> tuple[str, str]:
    if (host, path) in _known:
        return host, path
    if len(_known) < _MOST_ENDPOINTS:
        _known.add((host, path))
        return host, path
    return host, _OTHER
