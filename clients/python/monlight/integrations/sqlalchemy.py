"""Watches SQLAlchemy: how long statements take, by database and kind of statement; the text is a breadcrumb."""

from __future__ import annotations

import time
from typing import Any

from monlight import context
from monlight.integrations.patching import on_restore
from monlight.observer import Observer

_VERBS = frozenset(
    {"select", "insert", "update", "delete", "with", "create", "alter", "drop", "merge", "call"}
)
_STARTED = "monlight_started"


def install(observer: Observer) -> None:
    """Listens to all engines."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def before(connection: Any, _cursor: Any, _statement: str, *_: Any) -> None:
        connection.info.setdefault(_STARTED, []).append(time.perf_counter())

    def after(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        _tell(observer, connection, statement, "ok")

    def failed(of: Any) -> None:
        if of.connection is not None and of.statement is not None:
            _tell(observer, of.connection, of.statement, "error")

    for name, listener in (
        ("before_cursor_execute", before),
        ("after_cursor_execute", after),
        ("handle_error", failed),
    ):
        event.listen(Engine, name, listener)
        on_restore(lambda name=name, listener=listener: event.remove(Engine, name, listener))  # type: ignore[misc]


def _tell(observer: Observer, connection: Any, statement: str, outcome: str) -> None:
    try:
        started = connection.info.get(_STARTED)
        if not started:
            return
        duration_s = time.perf_counter() - started.pop()
        first = statement.lstrip()[:20].partition(" ")[0].lower()
        verb = first if first in _VERBS else "other"
        system = connection.dialect.name
        observer.timed(
            "db_query_duration_seconds", duration_s, system=system, operation=verb, outcome=outcome
        )
        # The statement has placeholders; its parameters are nobody's business.
        context.add_breadcrumb(
            statement[:300],
            category="query",
            type="query",
            data={"system": system, "seconds": round(duration_s, 6)},
        )
    except Exception:
        return
