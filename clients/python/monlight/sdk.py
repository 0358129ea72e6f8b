"""`monlight.init()`: one call that makes the clients, and has them told of what the app's libraries do."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from monlight import context, transport
from monlight.consumers import ConsumerClient
from monlight.error_client import BeforeSend, ErrorClient
from monlight.integrations import patching
from monlight.logs import BreadcrumbHandler, LogHandler
from monlight.metrics_client import MetricsClient
from monlight.observer import Observer
from monlight.report import host_name
from monlight.scrub import ADDRESS_HEADERS

logger = logging.getLogger("monlight")

INTEGRATIONS = {
    "requests": "requests.sessions",
    "httpx": "httpx",
    "flask": "flask",
    "starlette": "starlette.applications",
    "django": "django.core.handlers.base",
    "celery": "celery",
    "sqlalchemy": "sqlalchemy.engine",
}
"""Libraries that are watched, and the module whose import says that the app uses them. FastAPI is a Starlette."""


class Monlight:
    """What `init` made; each client is None where its service was not named."""

    def __init__(
        self,
        errors: ErrorClient | None,
        metrics: MetricsClient | None,
        log_handler: LogHandler | None,
        consumers: ConsumerClient | None,
    ) -> None:
        self.errors = errors
        self.metrics = metrics
        self.log_handler = log_handler
        self.consumers = consumers

    def flush(self, timeout: float = 5.0) -> bool:
        """Sends all that waits; whether it was taken within `timeout` seconds."""
        return transport.flush(timeout)

    def close(self) -> None:
        """Watches nothing any more, and sends what waits."""
        global _active  # noqa: PLW0603
        if _active is self:
            patching.restore()
            _active = None
        self.flush()


_active: Monlight | None = None


def init(
    *,
    api_key: str | None = None,
    project: str | None = None,
    error_tracker_url: str | None = None,
    metrics_collector_url: str | None = None,
    log_viewer_url: str | None = None,
    environment: str | None = None,
    release: str | None = None,
    server_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    flush_interval: float = 10.0,
    timeout: float = 5.0,
    with_local_variables: bool = False,
    send_pii: bool = False,
    excluded_headers: Iterable[str] = (),
    scrub_fields: Sequence[str] = (),
    before_send: BeforeSend | None = None,
    log_level: int | str = logging.INFO,
    consumers: bool | Mapping[str, Any] = False,
    integrations: Collection[str] | None = None,
) -> Monlight:
    """Reports, counts and logs from now on. A second call replaces the first.

    What is not given is taken from the environment: MONLIGHT_API_KEY, MONLIGHT_PROJECT,
    MONLIGHT_ERROR_TRACKER_URL, MONLIGHT_METRICS_COLLECTOR_URL, MONLIGHT_LOG_VIEWER_URL, MONLIGHT_ENVIRONMENT,
    MONLIGHT_RELEASE. A service without URL is left out; without a key, all are.

    with_local_variables, scrub_fields, before_send: see `ErrorClient`.
    send_pii: addresses of visitors stay in the headers of reports.
    log_level: records below are not sent. The levels of loggers stay as they are.
    consumers: records who calls the API; True, or options of `ConsumerClient` (with `api_key`, `service`, `base_url`
    where they are others than here).
    integrations: names of those to use; all of `INTEGRATIONS` if not given.
    """
    global _active  # noqa: PLW0603
    if _active is not None:
        _active.close()
    key = api_key or os.environ.get("MONLIGHT_API_KEY") or ""
    project = project or os.environ.get("MONLIGHT_PROJECT") or "default"
    urls = [
        given or os.environ.get(f"MONLIGHT_{name}_URL") or ""
        for given, name in (
            (error_tracker_url, "ERROR_TRACKER"),
            (metrics_collector_url, "METRICS_COLLECTOR"),
            (log_viewer_url, "LOG_VIEWER"),
        )
    ]
    if not key and any(urls):
        logger.warning("no API key (api_key=, or MONLIGHT_API_KEY): nothing is sent")
    tracker, collector, viewer = urls if key else ("", "", "")
    errors = metrics = log_handler = None
    if tracker:
        errors = ErrorClient(
            tracker,
            key,
            project,
            timeout,
            {*excluded_headers, *(() if send_pii else ADDRESS_HEADERS)},
            environment=environment or os.environ.get("MONLIGHT_ENVIRONMENT"),
            release=release or os.environ.get("MONLIGHT_RELEASE"),
            server_name=server_name or host_name(),
            tags=tags,
            with_local_variables=with_local_variables,
            scrub_fields=scrub_fields,
            before_send=before_send,
        )
    if collector:
        metrics = MetricsClient(collector, key, flush_interval, timeout, project)
        metrics.start()
    if viewer:
        log_handler = LogHandler(viewer, key, project, log_level, timeout=timeout, scrub_fields=scrub_fields)
    options: dict[str, Any] = {"base_url": collector, "api_key": key, "service": project, "timeout": timeout}
    options.update(consumers if isinstance(consumers, Mapping) else {})
    recorder = ConsumerClient(**options) if consumers and options["base_url"] else None

    _watch(Observer(errors, metrics, recorder), log_handler, integrations)
    _active = Monlight(errors, metrics, log_handler, recorder)
    return _active


def _watch(observer: Observer, log_handler: LogHandler | None, integrations: Collection[str] | None) -> None:
    handlers: list[logging.Handler] = [BreadcrumbHandler(logging.INFO)] if observer.errors else []
    if log_handler:
        handlers.append(log_handler)
    for handler in handlers:
        logging.getLogger().addHandler(handler)
        patching.on_restore(lambda handler=handler: logging.getLogger().removeHandler(handler))  # type: ignore[misc]
    if observer.errors:
        _watch_the_end(observer)
    for name, module in INTEGRATIONS.items():
        if integrations is None or name in integrations:
            patching.when_imported(module, lambda name=name: _install(name, observer))  # type: ignore[misc]


def _install(name: str, observer: Observer) -> None:
    importlib.import_module(f"monlight.integrations.{name}").install(observer)


def _watch_the_end(observer: Observer) -> None:
    """Exceptions that end the process, or a thread."""

    def make(original: Any) -> Any:
        def hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
            if not issubclass(kind, KeyboardInterrupt):
                observer.failed(error)
            original(kind, error, trace)

        return hook

    def make_for_threads(original: Any) -> Any:
        def hook(of: threading.ExceptHookArgs) -> None:
            if of.exc_value is not None and not isinstance(of.exc_value, SystemExit):
                observer.failed(of.exc_value)
            original(of)

        return hook

    patching.replace(sys, "excepthook", make)
    patching.replace(threading, "excepthook", make_for_threads)


def capture_exception(error: BaseException | None = None, **details: Any) -> bool:
    """Reports an exception, or the one being handled; `details` as of `ErrorClient.capture`. False before `init`."""
    if _active is None or _active.errors is None:
        return False
    return _active.errors.capture(error, **details)


def capture_message(message: str, **details: Any) -> bool:
    """Reports a message; `details` as of `ErrorClient.capture_message`. False before `init`."""
    if _active is None or _active.errors is None:
        return False
    return _active.errors.capture_message(message, **details)


def set_process_tags(tags: Mapping[str, str]) -> None:
    """Tags of all reports of this process."""
    here = context.process()
    here.tags = {**(here.tags or {}), **tags}
