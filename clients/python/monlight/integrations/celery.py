"""Watches Celery: tasks counted and timed by name and state, failures reported, each task in a scope of its own."""

from __future__ import annotations

import time
from contextvars import Token
from typing import Any

from monlight import context, transport
from monlight.integrations.patching import on_restore
from monlight.observer import Observer


def install(observer: Observer) -> None:
    """Listens to the signals of all tasks."""
    from celery import signals

    running: dict[str, tuple[float, Token[context.Scope | None]]] = {}

    def started(task_id: str, task: Any, **_: object) -> None:
        here = context.Scope(transaction=task.name)
        here.request_id_ = task_id
        here.tags = {"celery_task": task.name}
        running[task_id] = (time.perf_counter(), context.enter(here))

    def failed(exception: BaseException, sender: Any = None, **_: object) -> None:
        observer.failed(exception, getattr(sender, "name", None))

    def ended(task_id: str, task: Any, state: str | None = None, **_: object) -> None:
        begun = running.pop(task_id, None)
        if begun is None:
            return
        labels = {"task": task.name, "state": (state or "UNKNOWN").lower()}
        observer.count("celery_tasks_total", **labels)
        observer.timed("celery_task_duration_seconds", time.perf_counter() - begun[0], **labels)
        try:
            context.leave(begun[1])
        except ValueError:
            # Another context than the one it started in.
            return

    def stopping(**_: object) -> None:
        # Children of the pool end without what is registered for the end of the process.
        transport.flush()

    for signal, listener in (
        (signals.task_prerun, started),
        (signals.task_failure, failed),
        (signals.task_postrun, ended),
        (signals.worker_process_shutdown, stopping),
        (signals.worker_shutdown, stopping),
    ):
        signal.connect(listener, weak=False)
        on_restore(lambda signal=signal, listener=listener: signal.disconnect(listener))  # type: ignore[misc]
