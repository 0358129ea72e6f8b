"""Watches `requests`: its functions and all sessions, redirects being part of one call."""

from __future__ import annotations

from typing import Any

from monlight.integrations.calls import watched
from monlight.integrations.patching import replace
from monlight.observer import Observer


def install(observer: Observer) -> None:
    """Every way into the library ends in `Session.send`."""
    from requests.models import PreparedRequest
    from requests.sessions import Session

    def make(original: Any) -> Any:
        def send(self: Session, request: PreparedRequest, **options: Any) -> Any:
            with watched(observer, "requests", request.method or "GET", request.url or "") as call:
                response = original(self, request, **options)
                call.status = response.status_code
                return response

        return send

    replace(Session, "send", make)
