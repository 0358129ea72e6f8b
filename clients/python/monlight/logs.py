"""`LogHandler`: records of `logging` become entries of the log viewer, through the background sender."""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Iterable
from typing import Any

from monlight import context
from monlight.delivery import Poster
from monlight.lane import Lane, Limits
from monlight.scrub import Scrubber, plain_text
from monlight.transport import sender

LIMITS = Limits(items=10_000, bytes=8 << 20, batch_items=1000, batch_bytes=512 << 10)
MESSAGE_CHARS = 32_768
_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=plain_text).encode
# What every record has; anything else came by `extra=`.
_USUAL = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "color_message",
    "taskName",
}
_OURS = ("monlight", "httpx", "httpcore")


class LogHandler(logging.Handler):
    """Sends log records to a log viewer. Nothing it does raises.

    base_url: of the log viewer. api_key: one that may ingest. container: the name that the entries go under.
    flush_interval, timeout: in seconds.

    Fields given by `extra=` are kept and found as `field:value`, and so are the logger's name, the id of the
    request and of its trace.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        container: str = "app",
        level: int | str = logging.NOTSET,
        *,
        flush_interval: float = 2.0,
        timeout: float = 5.0,
        scrub_fields: Iterable[str] = (),
    ) -> None:
        super().__init__(level)
        self.container = container
        self._timeout = timeout
        self._scrubber = Scrubber(scrub_fields)
        self._lane: Lane[bytes] = Lane(
            Poster(base_url.rstrip("/"), api_key, timeout, _pack),
            LIMITS,
            flush_interval,
            logging.getLogger("monlight.logs"),
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Queues one record."""
        # Its own requests, and what is said of them, would never end.
        if sender().is_current_thread() or record.name.partition(".")[0] == "monlight":
            return
        try:
            body = _dump(self._entry(record)).encode("utf-8", "replace")
            self._lane.put(body, len(body))
        except Exception:
            return

    def flush(self) -> None:
        """Sends what waits; returns when it has gone or a first attempt has failed."""
        self._lane.flush(self._timeout)

    def close(self) -> None:
        """Called by `logging` at the end of the process."""
        super().close()

    @property
    def n_dropped(self) -> int:
        """Entries lost so far: no room in the queue, or refused."""
        return self._lane.n_dropped

    def _entry(self, record: logging.LogRecord) -> dict[str, Any]:
        here = context.current()
        at = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        entry: dict[str, Any] = {
            "container": self.container,
            "level": record.levelname,
            "timestamp": at.isoformat().replace("+00:00", "Z"),
            "message": self._message(record)[:MESSAGE_CHARS],
            "logger": record.name,
        }
        if request_id := here.request_id():
            entry["request_id"] = request_id
        if trace_id := here.trace_id():
            entry["trace_id"] = trace_id
        user = here.user or context.process().user
        if user and "id" in user:
            entry["user_id"] = str(user["id"])
        further = {key: value for key, value in vars(record).items() if key not in _USUAL}
        if further:
            fields = self._scrubber.value(further)
            entry = {**fields, **entry} if isinstance(fields, dict) else entry
        return entry

    def _message(self, record: logging.LogRecord) -> str:
        if self.formatter:
            return self.formatter.format(record)
        try:
            text = record.getMessage()
        except Exception:
            # Arguments that do not fit the text.
            text = f"{record.msg} {record.args!r}"
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        return f"{text}\n{record.exc_text}" if record.exc_text else text


class BreadcrumbHandler(logging.Handler):
    """Log records as breadcrumbs, for the reports to come."""

    def emit(self, record: logging.LogRecord) -> None:
        if sender().is_current_thread() or record.name.partition(".")[0] in _OURS:
            return
        try:
            context.add_breadcrumb(
                record.getMessage(), category=record.name, level=record.levelname.lower(), type="log"
            )
        except Exception:
            return


def _pack(entries: list[bytes]) -> tuple[str, bytes]:
    return "/api/logs", b"[" + b",".join(entries) + b"]"
