"""An error report as `POST /api/errors` takes it: the fields of 0.3.0, and what the tracker knows beyond them."""

from __future__ import annotations

import datetime
import json
import socket
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from monlight import context, frames
from monlight.scrub import Scrubber, plain_text

REPORT_BYTES = 200_000
"""Larger reports lose their pieces: a tracker takes 262,144 bytes as delivered."""
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=plain_text).encode


class Details(NamedTuple):
    """What a caller may say of one error beyond the exception."""

    level: str | None = None
    tags: Mapping[str, object] | None = None
    extra: Mapping[str, Any] | None = None
    fingerprint: Sequence[str] | None = None
    user: Mapping[str, Any] | None = None
    request_context: Mapping[str, Any] | None = None
    is_handled: bool = True


class Origin(NamedTuple):
    """What holds for all reports of a client."""

    project: str
    environment: str | None = None
    release: str | None = None
    server_name: str | None = None
    tags: Mapping[str, str] | None = None
    with_variables: bool = False


def of_exception(
    error: BaseException, origin: Origin, details: Details, scrubber: Scrubber
) -> dict[str, Any]:
    """The fields of 0.3.0 come first, in its order."""
    report: dict[str, Any] = {
        "project": origin.project,
        "exception_type": type(error).__qualname__,
        "message": frames.message(error),
        "traceback": frames.traceback_text(error),
    }
    _add_request(report, details, scrubber)
    _add_surroundings(report, origin, details, scrubber)
    values = frames.exceptions(error, origin.with_variables, scrubber, details.is_handled)
    report["exception"] = {"values": values}
    return report


def of_message(message: str, origin: Origin, details: Details, scrubber: Scrubber) -> dict[str, Any]:
    """A message without an exception."""
    report: dict[str, Any] = {"project": origin.project, "logentry": {"formatted": str(message)[:8000]}}
    _add_request(report, details, scrubber)
    _add_surroundings(report, origin, details, scrubber)
    return report


def _add_request(report: dict[str, Any], details: Details, scrubber: Scrubber) -> None:
    given = details.request_context if details.request_context is not None else _request_of_scope()
    if "request_url" in given:
        report["request_url"] = scrubber.url(str(given["request_url"])[:8000])
    if "request_method" in given:
        report["request_method"] = given["request_method"]
    if "request_headers" in given:
        report["request_headers"] = scrubber.headers(given["request_headers"])
    user = _user(details)
    if "user_id" in given:
        report["user_id"] = str(given["user_id"])[:1000]
    elif "id" in user:
        report["user_id"] = str(user["id"])[:1000]
    extra = {**(given.get("extra") or {}), **(details.extra or {})} if details.extra else given.get("extra")
    if extra is not None or "extra" in given:
        report["extra"] = scrubber.value(extra)


def _request_of_scope() -> dict[str, Any]:
    request = context.current().request
    if request is None:
        return {}
    try:
        return {
            "request_url": request.url(),
            "request_method": request.method(),
            "request_headers": request.headers(),
        }
    except Exception:
        return {}


def _user(details: Details) -> Mapping[str, Any]:
    return details.user or context.current().user or context.process().user or {}


def _add_surroundings(report: dict[str, Any], origin: Origin, details: Details, scrubber: Scrubber) -> None:
    here = context.current()
    report["event_id"] = uuid.uuid4().hex
    report["timestamp"] = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    report["platform"] = "python"
    report["level"] = details.level or "error"
    optional = {
        "environment": origin.environment,
        "release": origin.release,
        "server_name": origin.server_name,
        "transaction": here.transaction,
        "tags": _tags(here, origin, details),
        "user": scrubber.value(_user(details)),
        "fingerprint": [str(it) for it in details.fingerprint] if details.fingerprint else None,
        "breadcrumbs": _breadcrumbs(here, scrubber),
        "contexts": _contexts(here),
    }
    report.update((name, value) for name, value in optional.items() if value)


def _tags(here: context.Scope, origin: Origin, details: Details) -> dict[str, str]:
    tags = {
        **(origin.tags or {}),
        **(context.process().tags or {}),
        **(here.tags or {}),
        **(details.tags or {}),
    }
    if request_id := here.request_id():
        tags.setdefault("request_id", request_id)
    return {str(name): str(value)[:200] for name, value in tags.items()}


def _breadcrumbs(here: context.Scope, scrubber: Scrubber) -> dict[str, Any] | None:
    crumbs = here.breadcrumbs
    if not crumbs:
        return None
    return {"values": [scrubber.value(crumb) for crumb in list(crumbs)]}


def _contexts(here: context.Scope) -> dict[str, Any]:
    contexts: dict[str, Any] = {"runtime": frames.runtime()}
    if trace_id := here.trace_id():
        contexts["trace"] = {"trace_id": trace_id}
    return contexts


def written(report: dict[str, Any]) -> bytes:
    """As JSON in UTF-8, within `REPORT_BYTES`: what is too large loses first its pieces, then its extras."""
    body = _json(report)
    for field in ("breadcrumbs", "exception", "extra", "request_headers", "contexts"):
        if len(body) <= REPORT_BYTES:
            break
        if report.pop(field, None) is not None:
            body = _json(report)
    return body


def _json(report: dict[str, Any]) -> bytes:
    # Half a surrogate pair has no UTF-8.
    return _dump(report).encode("utf-8", "replace")


def host_name() -> str | None:
    """Of this machine."""
    try:
        return socket.gethostname() or None
    except OSError:
        return None
