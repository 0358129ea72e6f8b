"""The background sender: one thread a process, which serves the lanes that have something to send.

It is started when something is recorded for the first time, survives forks by starting anew, and is emptied at the
end of the process.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import queue
import sys
import threading
import time
import weakref
from concurrent.futures import Future
from typing import Protocol

logger = logging.getLogger("monlight")

EXIT_TIMEOUT_S = 5.0
"""How long the end of the process may be held up by what is still to be sent."""


class Work(Protocol):
    """What the sender knows of a lane; see there."""

    @property
    def n_waiting(self) -> int: ...

    def due_at(self) -> float: ...

    def step(self) -> None: ...

    def barrier(self) -> Future[bool] | None: ...

    def after_fork(self) -> None: ...


class Sender:
    """The thread, and who has something for it."""

    def __init__(self) -> None:
        self._lanes: weakref.WeakSet[Work] = weakref.WeakSet()
        self._reset()
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        # The process is at its end, and has waited long enough: `logging` flushes its handlers after us.
        self._has_ended = False
        # Lanes with content, which are kept alive until it has gone, though their client may be forgotten.
        self._busy: dict[int, Work] = {}
        # Unlike a condition it may be used while it is being used: by a destructor, or a signal handler.
        self._wake_ups: queue.SimpleQueue[None] = queue.SimpleQueue()

    def _after_fork(self) -> None:
        self._reset()
        for lane in list(self._lanes):
            lane.after_fork()

    def add(self, lane: Work) -> None:
        self._lanes.add(lane)

    def wake(self, lane: Work) -> None:
        self._busy[id(lane)] = lane
        if self._thread is None:
            self._start()
        self._wake_ups.put(None)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="monlight-sender", daemon=True)
                # At the very end of a process no thread can be started; `wait_for` does its work then.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
                self._mind_the_end_of_a_child()

    def _mind_the_end_of_a_child(self) -> None:
        """Children of `multiprocessing` run its finalizers at their end, and nothing of `atexit`."""
        processes = sys.modules.get("multiprocessing.process")
        if processes is not None and processes.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self._at_exit, exitpriority=1)

    def is_current_thread(self) -> bool:
        """Whether the caller is the sender itself, whose own requests and log records nobody wants to see."""
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def _run(self) -> None:
        while True:
            try:
                self._once()
            except Exception:
                logger.warning("the sender stumbled", exc_info=True)
                time.sleep(1.0)

    def _once(self, longest: float = math.inf) -> None:
        """Waits for something to do, at most `longest` seconds, and does it."""
        lane, due_at = self._next()
        wait = min(longest, max(0.0, due_at - time.monotonic()))
        if lane and due_at <= time.monotonic():
            lane.step()
            return
        with contextlib.suppress(queue.Empty):
            self._wake_ups.get(timeout=None if wait == math.inf else wait)

    def _next(self) -> tuple[Work | None, float]:
        next_lane, next_at = None, math.inf
        for key, lane in list(self._busy.items()):
            if lane.n_waiting == 0:
                self._busy.pop(key, None)
                # A `put` between the two lines has made it busy, or does so now.
                if lane.n_waiting:
                    self._busy[key] = lane
                continue
            due_at = lane.due_at()
            if due_at < next_at:
                next_lane, next_at = lane, due_at
        return next_lane, next_at

    def wait_for(self, barrier: Future[bool], timeout: float) -> bool:
        """The barrier's value, or False after `timeout` seconds."""
        if self.is_current_thread() or self._has_ended:
            return False
        deadline = time.monotonic() + timeout
        while self._thread is None and not barrier.done() and time.monotonic() < deadline:
            self._once(longest=deadline - time.monotonic())
        try:
            return barrier.result(max(0.0, deadline - time.monotonic()))
        except Exception:
            return False

    def flush(self, timeout: float) -> bool:
        """Sends what all lanes hold; whether it has gone within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        lanes = list(self._busy.values())
        barriers = [barrier for lane in lanes if (barrier := lane.barrier())]
        for lane in lanes:
            self.wake(lane)
        # All of them: one that fails says nothing of the others.
        results = [self.wait_for(barrier, deadline - time.monotonic()) for barrier in barriers]
        return all(results)

    def _at_exit(self) -> None:
        with contextlib.suppress(Exception):
            self.flush(EXIT_TIMEOUT_S)
        self._has_ended = True


_sender: Sender | None = None
_making = threading.Lock()


def sender() -> Sender:
    """The sender of this process, made when it is first needed."""
    global _sender  # noqa: PLW0603
    if _sender is None:
        with _making:
            if _sender is None:
                _sender = Sender()
    return _sender


def flush(timeout: float = EXIT_TIMEOUT_S) -> bool:
    """Sends all that waits in this process; whether all of it was taken within `timeout` seconds."""
    return sender().flush(timeout)
