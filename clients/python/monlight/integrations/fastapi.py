"""FastAPI and Starlette, set up by hand: `setup_monlight(app, …)`, as in 0.3.0."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from monlight import context
from monlight.consumers import ConsumerClient
from monlight.error_client import ErrorClient
from monlight.integrations import asgi
from monlight.metrics_client import MetricsClient
from monlight.observer import Observer

logger = logging.getLogger(__name__)

_running: set[asyncio.Task[None]] = set()


class MonlightMiddleware(asgi.MonlightAsgiMiddleware):
    """Counts requests (`http_requests_total`) and times them (`http_request_duration_seconds`).

    Labels: method, endpoint (the route's pattern), status.
    """

    def __init__(
        self,
        app: asgi.App,
        metrics_client: MetricsClient | None = None,
        *,
        error_client: ErrorClient | None = None,
        consumers: ConsumerClient | None = None,
    ) -> None:
        super().__init__(app, Observer(error_client, metrics_client, consumers))
        self.metrics_client = metrics_client


async def MonlightExceptionHandler(request: Request, exc: Exception) -> JSONResponse:
    """Reports an unhandled exception by `request.app.state.monlight_error_client`, and answers 500."""
    client = getattr(request.app.state, "monlight_error_client", None)
    if client is not None:
        _report(client, request, exc)
    logger.error("Unhandled exception: %s", exc, exc_info=exc)
    return JSONResponse(status_code=500, content={"detail": "Internal server error"})


def _report(client: Any, request: Request, error: Exception) -> None:
    # The request's own scope, which its middleware has left by now.
    here = request.scope.get(asgi.CONTEXT) or context.Scope()
    here.transaction = (
        here.transaction or f"{request.method} {asgi.endpoint(request.scope, request.url.path)}"
    )
    token = context.enter(here)
    try:
        request_context = {
            "request_url": str(request.url),
            "request_method": request.method,
            "request_headers": dict(request.headers),
        }
        if isinstance(client, ErrorClient):
            client.capture(error, request_context=request_context, is_handled=False)
        else:
            # A double of the app's own, which has what a client of 0.3.0 has.
            task = asyncio.create_task(client.report_error(error, request_context=request_context))
            _running.add(task)
            task.add_done_callback(_running.discard)
    except Exception:
        logger.warning("an error could not be reported", exc_info=True)
    finally:
        context.leave(token)


def setup_monlight(
    app: Any,
    *,
    error_tracker_url: str | None = None,
    metrics_collector_url: str | None = None,
    api_key: str,
    project: str = "default",
    flush_interval: float = 10.0,
    environment: str | None = None,
    release: str | None = None,
    **error_options: Any,
) -> dict[str, Any]:
    """Reports unhandled exceptions and counts requests of an app; returns `error_client` and `metrics_client`.

    Without a URL that client is None. `error_options` are further ones of `ErrorClient`.
    """
    error_client: ErrorClient | None = None
    metrics_client: MetricsClient | None = None
    if error_tracker_url:
        error_client = ErrorClient(
            error_tracker_url, api_key, project, environment=environment, release=release, **error_options
        )
        app.state.monlight_error_client = error_client
        app.add_exception_handler(Exception, MonlightExceptionHandler)
    if metrics_collector_url:
        metrics_client = MetricsClient(metrics_collector_url, api_key, flush_interval, project=project)
        metrics_client.start()
    if error_client or metrics_client:
        app.add_middleware(MonlightMiddleware, metrics_client=metrics_client)
    return {"error_client": error_client, "metrics_client": metrics_client}
