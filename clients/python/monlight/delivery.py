"""One request: a parcel goes to a door, and the answer says whether it was taken, and when to try again."""

from __future__ import annotations

import contextlib
import gzip
import time
from collections.abc import Callable
from concurrent.futures import Future
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    import httpx

Item = TypeVar("Item")

GZIP_FROM_BYTES = 1024
GZIP_LEVEL = 1
"""Of a thousand metrics: a twelfth larger than by level 6, in half the time."""
ANSWER_BYTES = 4096
"""As much of an answer is read; nothing that matters is longer, and a connection with more is closed."""
KEEP_ALIVE_S = 25.0
"""Less than servers and proxies wait before they close a connection that is idle."""
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524})
MANY_PARTS = 207
"""Some of a batch were refused."""


class Parcel(Generic[Item]):
    """Items that travel together, with the id by which a server knows that they come again."""

    def __init__(self, items: list[Item], tickets: list[Future[bool]], key: str) -> None:
        self.items = items
        self.tickets = tickets
        self.key = key
        self.n_attempts = 0
        self.packed: tuple[str, bytes] | None = None
        """Path and body, once made: a parcel that comes again is the same to the byte."""


class Answer(NamedTuple):
    """What came of an attempt. `words` say what was wrong, if anything was."""

    status: int
    words: str = ""
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_too_large(self) -> bool:
        return self.status == 413

    @property
    def is_temporary(self) -> bool:
        """No answer at all, or one that may be another next time."""
        return self.status == 0 or self.status in TEMPORARY


class Poster(Generic[Item]):
    """Posts parcels to the doors of one server, over connections that are kept open.

    `pack` makes path and body of items. httpx is imported here, in the caller's thread: were it imported by
    the sender, a fork in between would leave the child with an import that never ends.
    """

    def __init__(
        self, base_url: str, api_key: str, timeout: float, pack: Callable[[list[Item]], tuple[str, bytes]]
    ) -> None:
        import httpx

        self._httpx = httpx
        self.url = base_url
        # As bytes, since httpx takes texts of ASCII alone; and keys that were read from a file end with a line end.
        self._headers = {b"X-API-Key": api_key.strip().encode(), b"Content-Type": b"application/json"}
        self._timeout = timeout
        self._pack = pack
        self._client: httpx.Client | None = None
        self._compresses = True

    def forget_connections(self) -> None:
        """After a fork: they are the parent's."""
        self._client = None

    def post(self, parcel: Parcel[Item]) -> Answer:
        """One attempt, or a second one without compression where the server seems not to know it. Never raises."""
        try:
            path, body = parcel.packed = parcel.packed or self._pack(parcel.items)
        except Exception as error:
            return Answer(-1, f"cannot be written as JSON: {error!r}")
        try:
            is_compressed = self._compresses and len(body) >= GZIP_FROM_BYTES
            answer = self._send(path, body, parcel.key, is_compressed)
            if is_compressed and answer.status in (400, 415):
                answer = self._send(path, body, parcel.key, is_compressed=False)
                self._compresses = not answer.is_taken
            return answer
        except Exception as error:
            return Answer(0, f"cannot be reached: {error!r}")

    def _send(self, path: str, body: bytes, key: str, is_compressed: bool) -> Answer:
        headers = {**self._headers, b"Idempotency-Key": key.encode()}
        if is_compressed:
            headers[b"Content-Encoding"] = b"gzip"
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        request = self._connections().stream("POST", self.url + path, content=body, headers=headers)
        with request as response:
            return self._read(response)

    def _connections(self) -> httpx.Client:
        if self._client is None:
            # Certificates take 20 ms to load, which plain HTTP need not.
            self._client = self._httpx.Client(
                timeout=self._timeout,
                verify=self.url.startswith("https:"),
                limits=self._httpx.Limits(max_connections=2, keepalive_expiry=KEEP_ALIVE_S),
            )
        return self._client

    def _read(self, response: httpx.Response) -> Answer:
        # Read with bounds: a server may send without end, or a byte now and then.
        deadline = time.monotonic() + self._timeout
        start = bytearray()
        with contextlib.suppress(self._httpx.HTTPError):
            for chunk in response.iter_raw():
                start += chunk
                if len(start) > ANSWER_BYTES or time.monotonic() > deadline:
                    break
        status = response.status_code
        if 200 <= status < 300 and status != MANY_PARTS:
            return Answer(status)
        text = start[:200].decode("utf-8", "replace")
        retry_after = retry_after_s(response.headers.get("Retry-After"), time.time())
        return Answer(status, f"answered {status}: {text}", retry_after)


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as seconds or as a date; None if it says nothing."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return None
