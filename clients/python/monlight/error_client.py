"""`ErrorClient`: reports exceptions to the error tracker, through the background sender."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from monlight import report as reports
from monlight.delivery import Parcel, Poster
from monlight.lane import Lane, Limits
from monlight.report import Details, Origin
from monlight.scrub import Scrubber

logger = logging.getLogger(__name__)

BeforeSend = Callable[[dict[str, Any]], "dict[str, Any] | None"]

LIMITS = Limits(items=1000, bytes=16 << 20, batch_items=50, batch_bytes=3 << 20, keeps_newest=False)
"""The first errors of a storm tell most, so that later ones are refused when there is no room."""


class ErrorClient:
    """Reports errors to a tracker. Nothing it does raises.

    base_url: of the tracker. api_key: one that may ingest. project: who owns the errors.
    timeout: seconds for one request. excluded_headers: further request headers never to be sent.

    environment, release, server_name, tags: of all reports.
    with_local_variables: values of variables in the app's own frames, under secret names filtered.
    scrub_fields: further names of fields that hold secrets.
    before_send: sees each report last; may change it, or return None to keep it from being sent.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        project: str = "default",
        timeout: float = 5.0,
        excluded_headers: set[str] | None = None,
        *,
        environment: str | None = None,
        release: str | None = None,
        server_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        with_local_variables: bool = False,
        scrub_fields: Iterable[str] = (),
        before_send: BeforeSend | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self.project = project
        self.timeout = timeout
        self._origin = Origin(project, environment, release, server_name, tags, with_local_variables)
        self._scrubber = Scrubber(scrub_fields, excluded_headers or ())
        self._before_send = before_send
        poster = Poster(self.base_url, api_key, timeout, _pack)
        self._lane = ErrorLane(poster, LIMITS, 0.0, logger)

    async def report_error(
        self, exception: BaseException, request_context: dict[str, Any] | None = None
    ) -> None:
        """Reports, and returns once it has been sent or a first attempt has failed; it is then tried again.

        request_context may have request_url, request_method, request_headers, user_id and extra.
        """
        ticket: Future[bool] = Future()
        details = Details(request_context=request_context)
        if self._queue(lambda: self._of_exception(exception, details), ticket):
            try:
                await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(ticket)), self.timeout)
            except Exception:
                # Too slow, or no asyncio here: the sender goes on by itself.
                return

    def report_error_sync(
        self, exception: BaseException, request_context: dict[str, Any] | None = None
    ) -> None:
        """The same for code that is not async."""
        ticket: Future[bool] = Future()
        details = Details(request_context=request_context)
        if self._queue(lambda: self._of_exception(exception, details), ticket):
            try:
                ticket.result(self.timeout)
            except Exception:
                return

    def capture(
        self,
        exception: BaseException | None = None,
        *,
        level: str | None = None,
        tags: Mapping[str, object] | None = None,
        extra: Mapping[str, Any] | None = None,
        fingerprint: Sequence[str] | None = None,
        user: Mapping[str, Any] | None = None,
        request_context: Mapping[str, Any] | None = None,
        is_handled: bool = True,
    ) -> bool:
        """Queues a report of an exception, or of the one being handled, and returns at once; whether it did.

        The same exception is reported once, however many layers see it pass.
        """
        error = exception if exception is not None else sys.exc_info()[1]
        if error is None or _is_reported(error):
            return False
        details = Details(level, tags, extra, fingerprint, user, request_context, is_handled)
        return self._queue(lambda: self._of_exception(error, details))

    def capture_message(
        self,
        message: str,
        *,
        level: str = "info",
        tags: Mapping[str, object] | None = None,
        extra: Mapping[str, Any] | None = None,
        fingerprint: Sequence[str] | None = None,
        user: Mapping[str, Any] | None = None,
    ) -> bool:
        """Queues a report of a message without an exception, and returns at once; whether it did."""
        details = Details(level, tags, extra, fingerprint, user)
        return self._queue(lambda: reports.of_message(message, self._origin, details, self._scrubber))

    def flush(self, timeout: float | None = None) -> bool:
        """Sends what waits; whether it was taken within `timeout` seconds (default: that of a request)."""
        return self._lane.flush(self.timeout if timeout is None else timeout)

    @property
    def n_dropped(self) -> int:
        """Reports lost so far: no room in the queue, or refused."""
        return self._lane.n_dropped

    def _of_exception(self, error: BaseException, details: Details) -> dict[str, Any]:
        return reports.of_exception(error, self._origin, details, self._scrubber)

    def _queue(self, make: Callable[[], dict[str, Any]], ticket: Future[bool] | None = None) -> bool:
        try:
            if not self._lane.has_room():
                self._lane.refuse()
                return False
            report: dict[str, Any] | None = make()
            if self._before_send and report is not None:
                report = self._before_send(report)
            if report is None:
                return False
            body = reports.written(report)
            return self._lane.put(body, len(body), ticket)
        except Exception:
            logger.warning("an error could not be reported", exc_info=True)
            return False


class ErrorLane(Lane[bytes]):
    """Several reports that wait go in one request, where the tracker has a door for that."""

    def _handle(self, parcel: Parcel[bytes], answer: Any) -> None:
        if len(parcel.items) > 1 and answer.status in (404, 405):
            # An older tracker: one by one, from now on.
            self.limits = self.limits._replace(batch_items=1)
            self._put_back(parcel)
        else:
            super()._handle(parcel, answer)


def _pack(reports: list[bytes]) -> tuple[str, bytes]:
    if len(reports) == 1:
        return "/api/errors", reports[0]
    return "/api/errors/batch", b"[" + b",".join(reports) + b"]"


def _is_reported(error: BaseException) -> bool:
    """Whether this very exception was seen before; it is from now on."""
    try:
        if getattr(error, "_monlight_seen", False):
            return True
        error._monlight_seen = True  # type: ignore[attr-defined]
    except Exception:
        # Those with `__slots__` cannot be marked.
        return False
    return False
