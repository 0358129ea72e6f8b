"""Watches `httpx`: its functions and all clients, but not the sender's own."""

from __future__ import annotations

from typing import Any

from monlight.integrations.calls import watched
from monlight.integrations.patching import replace
from monlight.observer import Observer


def install(observer: Observer) -> None:
    """Every way into the library ends in `send`."""
    from httpx import AsyncClient, Client, Request

    def make(original: Any) -> Any:
        def send(self: Client, request: Request, **options: Any) -> Any:
            with watched(observer, "httpx", request.method, str(request.url)) as call:
                response = original(self, request, **options)
                call.status = response.status_code
                return response

        return send

    def make_async(original: Any) -> Any:
        async def send(self: AsyncClient, request: Request, **options: Any) -> Any:
            with watched(observer, "httpx", request.method, str(request.url)) as call:
                response = await original(self, request, **options)
                call.status = response.status_code
                return response

        return send

    replace(Client, "send", make)
    replace(AsyncClient, "send", make_async)
