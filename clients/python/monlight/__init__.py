"""Monlight: errors, metrics, logs and API consumers of a Python app.

`monlight.init()` watches the libraries that the app uses; `ErrorClient`, `MetricsClient` and `LogHandler` are for
those who would rather do it by hand. Nothing is done at import.
"""

from monlight.consumers import ConsumerClient
from monlight.context import (
    add_breadcrumb,
    scope,
    set_consumer,
    set_request_id,
    set_tag,
    set_trace_id,
    set_user,
)
from monlight.error_client import ErrorClient
from monlight.logs import LogHandler
from monlight.metrics_client import MetricsClient
from monlight.sdk import Monlight, capture_exception, capture_message, init
from monlight.transport import flush

__version__ = "0.4.0"
__all__ = [
    "ConsumerClient",
    "ErrorClient",
    "LogHandler",
    "MetricsClient",
    "Monlight",
    "add_breadcrumb",
    "capture_exception",
    "capture_message",
    "flush",
    "init",
    "scope",
    "set_consumer",
    "set_request_id",
    "set_tag",
    "set_trace_id",
    "set_user",
]
