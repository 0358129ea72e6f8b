"""A lane: the bounded queue of items for one door of one server, and what becomes of a parcel after each attempt.

Whoever records only appends. The sender of `transport` calls `step` when `due_at` has come; what is on the wire,
and what an answer means, is `delivery`'s. Nothing here raises into the app, and no lock is held while sending.
"""

from __future__ import annotations

import contextlib
import logging
import math
import random
import threading
import time
import uuid
from collections import deque
from concurrent.futures import Future, InvalidStateError
from typing import Generic, NamedTuple, TypeVar

from monlight.delivery import Answer, Parcel, Poster
from monlight.transport import sender

Item = TypeVar("Item")

FIRST_DELAY_S = 0.5
"""Wait after the first failure; doubled with each, and shortened by up to half at random."""
LONGEST_DELAY_S = 60.0
LONGEST_RETRY_AFTER_S = 600.0
"""A server that asks for a longer pause is asked again after this one."""
MOST_SERVER_ERRORS = 6
"""After so many answers 500 to the same parcel it is given up, so that those behind it get through."""


class Limits(NamedTuple):
    """Bounds of a queue and of what goes out at once."""

    items: int
    """Most items that wait."""
    bytes: int = 16 << 20
    """Most bytes that wait, by the sizes that `put` was told."""
    batch_items: int = 1000
    batch_bytes: int = 1 << 20
    keeps_newest: bool = True
    """When full, the oldest leave; else new ones are refused."""


class Lane(Generic[Item]):
    """A bounded queue of items for one door of one server.

    `interval` is how many seconds the first item of a batch waits for others; None: until `flush`.
    """

    def __init__(
        self, poster: Poster[Item], limits: Limits, interval: float | None, log: logging.Logger
    ) -> None:
        self.interval = interval
        self.limits = limits
        self._poster = poster
        self._log = log
        self._n_put = 0
        self._n_gone = 0
        self._n_dropped = 0
        self._is_well = True
        self._reset()
        sender().add(self)

    def _reset(self) -> None:
        # Reentrant: the collector of garbage may log, and so record, while this thread holds it.
        self._lock = threading.RLock()
        # Item, size, ticket: plain tuples, since one is made for each request of the app.
        self._waiting: deque[tuple[Item, int, Future[bool] | None]] = deque()
        self._n_bytes = 0
        self._since = 0.0
        self._parcel: Parcel[Item] | None = None
        self._retry_at = 0.0
        self._is_told_to_wait = False
        self._barriers: list[tuple[int, Future[bool]]] = []
        self._n_gone = self._n_put

    def after_fork(self) -> None:
        """In the child: what waits is the parent's to send, and the locks may be held by nobody's thread."""
        self._reset()
        self._poster.forget_connections()

    # What the app calls.

    def put(self, item: Item, size: int = 0, ticket: Future[bool] | None = None) -> bool:
        """Queues an item; False if there was no room.

        `ticket` is done once it was tried for the first time, or one before it was tried in vain.
        """
        with self._lock:
            waiting = self._waiting
            if (
                len(waiting) >= self.limits.items or self._n_bytes + size > self.limits.bytes
            ) and not self._make_room(size):
                self._n_dropped += 1
                return False
            waiting.append((item, size, ticket))
            self._n_bytes += size
            self._n_put += 1
            n = len(waiting)
            if n == 1:
                self._since = time.monotonic()
            if ticket and self._parcel and self._parcel.n_attempts:
                settle(ticket, False)
        if n in (1, self.limits.batch_items):
            sender().wake(self)
        return True

    def _make_room(self, size: int) -> bool:
        if not self.limits.keeps_newest or size > self.limits.bytes:
            return False
        while self._waiting and (
            len(self._waiting) >= self.limits.items or self._n_bytes + size > self.limits.bytes
        ):
            _, n_bytes, ticket = self._waiting.popleft()
            self._n_bytes -= n_bytes
            self._n_gone += 1
            self._n_dropped += 1
            settle(ticket, False)
        return True

    def has_room(self) -> bool:
        """False: a `put` would be refused, so that the work of making an item can be saved."""
        limits = self.limits
        return limits.keeps_newest or (len(self._waiting) < limits.items and self._n_bytes < limits.bytes)

    def refuse(self) -> None:
        """Counts an item for which there was no room."""
        self._n_dropped += 1

    def nudge(self) -> None:
        """Has the sender look again, after `interval` has changed."""
        if self._waiting:
            sender().wake(self)

    @property
    def n_dropped(self) -> int:
        """Items that were lost so far: no room, or refused by the server."""
        return self._n_dropped

    @property
    def n_waiting(self) -> int:
        """Items that are not yet delivered."""
        return self._n_put - self._n_gone

    def flush(self, timeout: float) -> bool:
        """Sends all that waits, and returns when it has gone, was tried in vain, or `timeout` seconds are over."""
        barrier = self.barrier()
        if barrier is None:
            return True
        sender().wake(self)
        return sender().wait_for(barrier, timeout)

    def barrier(self) -> Future[bool] | None:
        """Done when what waits now has gone, or was tried in vain; None if nothing waits."""
        with self._lock:
            if self._n_gone >= self._n_put:
                return None
            barrier: Future[bool] = Future()
            self._barriers.append((self._n_put, barrier))
            return barrier

    # What the thread calls.

    def due_at(self) -> float:
        """When there is something to do, by `time.monotonic`."""
        with self._lock:
            if self._barriers:
                return 0.0
            if self._parcel:
                return self._retry_at
            if not self._waiting:
                return math.inf
            limits = self.limits
            if len(self._waiting) >= limits.batch_items or self._n_bytes >= limits.batch_bytes:
                return 0.0
            return math.inf if self.interval is None else self._since + self.interval

    def step(self) -> None:
        """Sends one parcel, or learns that it must wait."""
        if self._parcel and self._is_told_to_wait and time.monotonic() < self._retry_at:
            # Somebody flushes, but the server has named a time.
            self._release_barriers(is_failed=True)
            return
        parcel = self._parcel or self._take()
        if parcel:
            self._parcel = parcel
            self._handle(parcel, self._poster.post(parcel))
        self._release_barriers()

    def _take(self) -> Parcel[Item] | None:
        with self._lock:
            pop = self._waiting.popleft
            n = self._n_to_take()
            # As short as can be: the app waits for the lock meanwhile.
            taken = [pop() for _ in range(n)]
            self._n_bytes -= sum([size for _, size, _ in taken]) if self._n_bytes else 0
            self._since = time.monotonic()
        tickets = [ticket for _, _, ticket in taken if ticket]
        return Parcel([item for item, _, _ in taken], tickets, uuid.uuid4().hex) if taken else None

    def _n_to_take(self) -> int:
        """How many fit into one parcel; a first one that is too large goes alone."""
        most = min(len(self._waiting), self.limits.batch_items)
        if self._n_bytes <= self.limits.batch_bytes:
            return most
        n_bytes = 0
        for n, (_, size, _) in enumerate(self._waiting):
            n_bytes += size
            if n == most or (n and n_bytes > self.limits.batch_bytes):
                return n
        return most

    def _handle(self, parcel: Parcel[Item], answer: Answer) -> None:
        tickets, parcel.tickets = parcel.tickets, []
        parcel.n_attempts += 1
        if answer.is_taken:
            self._recovered(answer)
            self._done(len(parcel.items))
        elif answer.is_too_large and len(parcel.items) > 1:
            self._halve(parcel)
        elif answer.is_temporary and not (answer.status == 500 and parcel.n_attempts >= MOST_SERVER_ERRORS):
            self._postpone(parcel, answer)
        else:
            self._n_dropped += len(parcel.items)
            self._warn(f"{answer.words}; {len(parcel.items)} lost")
            self._release_barriers(is_failed=True)
            self._done(len(parcel.items))
        # Last: whoever waits for it finds all of this done.
        for ticket in tickets:
            settle(ticket, answer.is_taken)

    def _done(self, n: int) -> None:
        with self._lock:
            self._parcel = None
            self._n_gone += n

    def _halve(self, parcel: Parcel[Item]) -> None:
        half = len(parcel.items) // 2
        with self._lock:
            self._put_back(parcel, half)
            self._parcel = Parcel(parcel.items[:half], [], uuid.uuid4().hex)
            self._retry_at = 0.0

    def _put_back(self, parcel: Parcel[Item], since: int = 0) -> None:
        """To be packed anew; they keep their place, ahead of all that came later."""
        with self._lock:
            self._waiting.extendleft((item, 0, None) for item in reversed(parcel.items[since:]))
            self._parcel = None

    def _postpone(self, parcel: Parcel[Item], answer: Answer) -> None:
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(parcel.n_attempts - 1, 16))
        delay *= random.uniform(0.5, 1.0)
        with self._lock:
            self._is_told_to_wait = answer.retry_after_s is not None
            if answer.retry_after_s is not None:
                delay = max(delay, min(answer.retry_after_s, LONGEST_RETRY_AFTER_S))
            self._retry_at = time.monotonic() + delay
            for _, _, ticket in self._waiting:
                settle(ticket, False)
        self._warn(f"{answer.words}; trying again")
        self._release_barriers(is_failed=True)

    def _release_barriers(self, is_failed: bool = False) -> None:
        with self._lock:
            done = [it for it in self._barriers if is_failed or it[0] <= self._n_gone]
            self._barriers = [it for it in self._barriers if it not in done]
        for _, barrier in done:
            settle(barrier, not is_failed)

    def _warn(self, words: str) -> None:
        """Says what is wrong once, and again only after it was well in between."""
        if self._is_well:
            self._is_well = False
            self._log.warning("%s: %s", self._poster.url, words)

    def _recovered(self, answer: Answer) -> None:
        if answer.words:
            self._warn(answer.words)
        elif not self._is_well:
            self._is_well = True
            self._log.info("%s: takes data again; %d lost so far", self._poster.url, self._n_dropped)


def settle(ticket: Future[bool] | None, value: bool) -> None:
    if ticket:
        with contextlib.suppress(InvalidStateError):
            ticket.set_result(value)
