"""What leaves the process: values made plain and bounded for JSON, secrets taken out by the names they go under."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote_plus, urlsplit, urlunsplit

FILTERED = "[Filtered]"
DEPTH = 12
"""Deeper values are given as text."""
NODES = 5000
"""Values in one report; those beyond are left out."""
TEXT_CHARS = 16_384
"""Characters of one text."""

_SECRET = (
    r"passw|passwd|pwd|passphrase|secret|token(?!s)|api_?key|auth(?!or(?!i[sz]))|credential|cookie|csrf|xsrf"
    r"|private_?key|access_?key|credit_?card|card_?number|cvv|cvc|ssn|iban"
)
ALWAYS_EXCLUDED_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "x-api-key"})
ADDRESS_HEADERS = frozenset(
    {"x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"}
)
"""Headers that hold the visitor's address."""


class Scrubber:
    """Takes secrets out of what is reported. `fields` are further names, or parts of names, of secret fields."""

    def __init__(self, fields: Iterable[str] = (), excluded_headers: Iterable[str] = ()) -> None:
        further = [re.escape(_flat(field)) for field in fields if field]
        self._secret = re.compile("|".join([_SECRET, *further]))
        self._excluded = ALWAYS_EXCLUDED_HEADERS | {name.lower() for name in excluded_headers}

    def is_secret(self, name: str) -> bool:
        return self._secret.search(_flat(name)) is not None

    def headers(self, headers: Mapping[str, object]) -> dict[str, object]:
        """Without those that are never sent; values under a secret's name are filtered."""
        kept = ((str(name), value) for name, value in headers.items())
        return {
            name: FILTERED if self.is_secret(name) else plain_text(value)
            for name, value in kept
            if name.lower() not in self._excluded
        }

    def url(self, url: str) -> str:
        """The values of secret parameters are filtered, and a password before the host is left out."""
        try:
            return self._url(url)
        except ValueError:
            return url.partition("?")[0]

    def _url(self, url: str) -> str:
        if "?" not in url and "@" not in url:
            return url
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = parts.query
        if any(self.is_secret(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
            query = "&".join(self._parameter(it) for it in query.split("&"))
        return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))

    def _parameter(self, parameter: str) -> str:
        name, is_set, _ = parameter.partition("=")
        return f"{name}={quote_plus(FILTERED)}" if is_set and self.is_secret(name) else parameter

    def value(self, value: object) -> object:
        """As JSON can hold it, and bounded."""
        return self._value(value, DEPTH, [NODES])

    def _value(self, value: object, depth: int, left: list[int]) -> object:
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, float):
            return value if value - value == 0.0 else str(value)
        if isinstance(value, str):
            return _cut(value)
        if depth == 0 or not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return plain_text(value)
        if isinstance(value, Mapping):
            return self._mapping(value, depth, left)
        kept = []
        for item in value:
            left[0] -= 1
            if left[0] < 0:
                break
            kept.append(self._value(item, depth - 1, left))
        return kept

    def _mapping(self, value: Mapping[object, object], depth: int, left: list[int]) -> dict[str, object]:
        kept: dict[str, object] = {}
        for key, item in value.items():
            left[0] -= 1
            if left[0] < 0:
                break
            name = plain_text(key)
            is_hidden = item is not None and not isinstance(item, bool) and self.is_secret(name)
            kept[name] = FILTERED if is_hidden else self._value(item, depth - 1, left)
        return kept


def plain_text(value: object) -> str:
    """`str` of a text, else `repr`, cut; of something that cannot be shown, what it is."""
    try:
        return _cut(value if isinstance(value, str) else repr(value))
    except Exception:
        return f"<{type(value).__qualname__} that cannot be shown>"


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - 1] + "…"


def _flat(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
