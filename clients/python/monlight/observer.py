"""What an integration tells of an answered request or a failed one, and to whom it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monlight import context
from monlight.consumers import ConsumerClient
from monlight.error_client import ErrorClient
from monlight.metrics_client import MetricsClient

Request = TypeVar("Request")


class Observer:
    """The clients that are told. Nothing it does raises."""

    def __init__(
        self,
        errors: ErrorClient | None = None,
        metrics: MetricsClient | None = None,
        consumers: ConsumerClient | None = None,
    ) -> None:
        self.errors = errors
        self.metrics = metrics
        self.consumers = consumers
        self.mark = f"monlight.seen.{id(self)}"
        """Left at a request, so that it is told of once."""

    def answered(
        self,
        method: str,
        endpoint: str,
        status: int,
        duration_s: float,
        caller: Callable[[ConsumerClient, Request], tuple[str, str | None]],
        request: Request,
    ) -> None:
        """A request got its answer. `caller` says its consumer and context, if somebody wants to know."""
        try:
            if self.metrics is not None:
                self.metrics.request(method, endpoint, status, duration_s)
            if self.consumers is not None:
                consumer, in_context = caller(self.consumers, request)
                self.consumers.record(method, endpoint, status, duration_s, consumer, in_context)
        except Exception:
            return

    def failed(self, error: BaseException, transaction: str | None = None) -> None:
        """An exception that nobody handled."""
        if self.errors is None:
            return
        here = context.current()
        if transaction and here.transaction is None and here is not context.process():
            here.transaction = transaction
        self.errors.capture(error, is_handled=False)

    def count(self, name: str, **labels: str) -> None:
        """One more."""
        if self.metrics is not None:
            self.metrics.counter(name, labels)

    def timed(self, name: str, duration_s: float, **labels: str) -> None:
        """How long something took."""
        if self.metrics is not None:
            self.metrics.histogram(name, duration_s, labels)
