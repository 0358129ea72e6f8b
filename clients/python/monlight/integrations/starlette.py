"""Watches every Starlette and FastAPI app of the process."""

from __future__ import annotations

from types import MethodType
from typing import Any

from monlight.integrations import asgi
from monlight.integrations.patching import replace
from monlight.observer import Observer


def install(observer: Observer) -> None:
    """Every call of an app goes through `asgi.watch`."""
    from starlette.applications import Starlette

    asgi.watch_mounts()

    def make(original: Any) -> Any:
        # A coroutine function, since servers ask whether it is one.
        async def call(self: Starlette, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
            await asgi.watch(MethodType(original, self), observer, scope, receive, send)

        return call

    replace(Starlette, "__call__", make)
