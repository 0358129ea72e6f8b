"""API consumers: who calls which route, with what result and how slowly, as Malti's clients record it.

`ConsumerClient` sends records to `POST /api/v1/ingest`; the middleware in `integrations` makes them. Who the
consumer is is decided here, in Malti's order: state, headers, query, address, `anonymous`.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import os
import socket
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs

from monlight.delivery import Poster
from monlight.lane import Lane, Limits

logger = logging.getLogger(__name__)

LIMITS = Limits(items=25_000, batch_items=500)
"""As many as Malti's client keeps, and sends at once."""
HEADERS = ("x-consumer-id", "x-user-id", "consumer-id", "user-id")
PARAMETERS = ("consumer_id", "user_id")
ANONYMOUS = "anonymous"
UNCLEAN = frozenset({401, 404})
"""Statuses that clean mode leaves out: scanners and expired sessions, which say nothing about the API."""
_quote = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class _Record(NamedTuple):
    method: str
    endpoint: str
    status: int
    duration_s: float
    at: float
    consumer: str
    context: str | None


class ConsumerClient:
    """Sends who called what. Nothing it does raises.

    base_url: of the metrics collector, or of a Malti server. api_key: of the service. service: its name.
    node: the machine or process; default: `MONLIGHT_NODE`, or the host's name.
    clean_mode: responses 401 and 404 are not recorded.
    use_ip: where nothing else says who it is, the address does; anonymize_ip: without its last part.
    trust_forwarded: the address of `X-Forwarded-For` counts, which is right behind a proxy that sets it.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        service: str,
        node: str | None = None,
        *,
        clean_mode: bool = True,
        use_ip: bool = False,
        anonymize_ip: bool = True,
        trust_forwarded: bool = True,
        flush_interval: float = 10.0,
        timeout: float = 5.0,
    ) -> None:
        self.service = service
        self.node = node or os.environ.get("MONLIGHT_NODE") or socket.gethostname()
        self.clean_mode = clean_mode
        self.use_ip = use_ip
        self.anonymize_ip = anonymize_ip
        self.trust_forwarded = trust_forwarded
        self._timeout = timeout
        # All that is the same in each record.
        self._start = f'{{"service":{_quote(service)},"node":{_quote(self.node)},'
        poster = Poster(base_url.rstrip("/"), api_key, timeout, self._pack)
        self._lane: Lane[_Record] = Lane(poster, LIMITS, flush_interval, logger)

    def record(
        self,
        method: str,
        endpoint: str,
        status: int,
        duration_s: float,
        consumer: str = ANONYMOUS,
        context: str | None = None,
    ) -> None:
        """Queues one answered request."""
        if not (self.clean_mode and status in UNCLEAN):
            self._lane.put(_Record(method, endpoint, status, duration_s, time.time(), consumer, context))

    def consumer(
        self, said: object, header: Callable[[str], str | None], query: str, peer: str | None
    ) -> str:
        """Who calls: what the app `said`, a header, a parameter of the query, the address, or nobody known."""
        if said is not None:
            return str(said)
        for name in HEADERS:
            if value := header(name):
                return value
        # Looked for first, since most queries have neither and parsing costs more than the rest.
        if "consumer_id" in query or "user_id" in query:
            parameters = parse_qs(query)
            for name in PARAMETERS:
                if values := parameters.get(name):
                    return values[0]
        if self.use_ip and (address := self._address(header, peer)):
            return anonymized(address) if self.anonymize_ip else address
        return ANONYMOUS

    def _address(self, header: Callable[[str], str | None], peer: str | None) -> str | None:
        if self.trust_forwarded and (forwarded := header("x-forwarded-for")):
            first = forwarded.split(",")[0].strip()
            if _is_address(first):
                return first
        return peer

    def flush(self, timeout: float | None = None) -> bool:
        """Sends what waits; whether it was taken within `timeout` seconds (default: that of a request)."""
        return self._lane.flush(self._timeout if timeout is None else timeout)

    @property
    def n_dropped(self) -> int:
        """Records lost so far: no room in the queue, or refused."""
        return self._lane.n_dropped

    def _pack(self, records: list[_Record]) -> tuple[str, bytes]:
        body = ",".join([self._json(record) for record in records])
        return "/api/v1/ingest", f'{{"requests":[{body}]}}'.encode("utf-8", "replace")

    def _json(self, record: _Record) -> str:
        # Malti's field takes whole milliseconds only, of which a quick request has none; its server passes over the
        # other field, which the metrics collector reads.
        at = datetime.datetime.fromtimestamp(record.at, datetime.timezone.utc).isoformat()
        context = "null" if record.context is None else _quote(record.context)
        return (
            f'{self._start}"method":{_quote(record.method)},"endpoint":{_quote(record.endpoint)},'
            f'"status":{int(record.status)},"response_time":{int(record.duration_s * 1000)},'
            f'"response_time_us":{round(record.duration_s * 1e6)},'
            f'"consumer":{_quote(record.consumer)},"context":{context},"created_at":"{at}"}}'
        )


def anonymized(address: str) -> str:
    """Without the last octet of IPv4, or the last 64 bits of IPv6; what is no address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return f"{address.rpartition('.')[0]}.xxx"
    return ":".join([*parsed.exploded.split(":")[:4], *["xxxx"] * 4])


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
