"""First inputs of the `doors_…` targets: `door_seeds.py FOLDER` fills `FOLDER/doors_SERVICE/`.

A request for every row of the services' tables of routes, so that none is forgotten, and one for every example body
of their OpenAPI documents, as it is and in each coding that a body may come in; by hand only what neither has.
"""

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVICES = {
    "errors": "error-tracker",
    "logs": "log-viewer",
    "metrics": "metrics-collector",
    "browser": "browser-relay",
}
ROW = re.compile(r'\.(?:(get|post)\(|row\(\s*Method::(\w+),)\s*"([^"]+)"')
FORM = b"name=a&project=shop&url=http%3A%2F%2F127.0.0.1%3A1%2F&kind=webhook&secret=s&key=k&note=n&matches=1&q=x"
QUERIES = [
    "?q=a&limit=5&page=2&cursor=x&from=2026-11-27T00:00:00Z&to=now&project=shop&environment=prod",
    "?search=a+level:error&level=%3E%3DERROR&container=web&before=9&after=1&around=3&format=ndjson&since=1h",
    "?name=http_requests_total&labels=a%3Db&period=24h&resolution=minute&group_by=a&aggregate=p95&range=6h&step=60",
    "?service=shop&node=n&start_time=2026-11-27T00:00:00Z&end_time=2026-11-28T00:00:00Z&interval=hour&limit=10",
]
PAGE = "Origin: https://shop.example\nX-Monlight-Key: fuzz_public_key\nContent-Type: application/json"
FRAMES = bytes([0x81, 0x83, 1, 2, 3, 4, 97 ^ 1, 98 ^ 2, 99 ^ 3, 0x89, 0x80, 0, 0, 0, 0, 0x88, 0x80, 0, 0, 0, 0])
BY_HAND = {
    "errors": [("GET /", "Cookie: monlight=a.b; __Host-monlight=c\nAccept: text/html", b"")],
    "logs": [("GET /api/logs/tail", "Last-Event-ID: 7-1", b"")],
    "metrics": [
        (
            "GET /ws/metrics",
            "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            FRAMES,
        )
    ],
    "browser": [("OPTIONS /api/browser/errors", f"{PAGE}\nAccess-Control-Request-Method: POST", b"")],
}


def rows(service: str) -> Iterator[tuple[str, str]]:
    tables = [ROOT / service / "src/routes.rs", *(ROOT / "shared").glob("*/src/routes.rs")]
    for table in tables:
        for short, long, path in ROW.findall(table.read_text()):
            yield (short or long).upper(), re.sub(r"\{[^}]*\}", "1", path)


def examples(service: str) -> Iterator[tuple[str, str, bytes]]:
    """Method and path, content type, body."""
    document = json.loads((ROOT / service / "openapi.json").read_text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            for kind, media in content.items():
                given = [example.get("value") for example in media.get("examples", {}).values()]
                for example in [media["example"], *given] if "example" in media else given:
                    body = example if isinstance(example, str) else json.dumps(example)
                    yield f"{method.upper()} {re.sub(r'{[^}]*}', '1', path)}", f"Content-Type: {kind}", body.encode()


def seeds(name: str, service: str) -> Iterator[bytes]:
    def written(first: str, headers: str, body: bytes) -> bytes:
        return f"{first}\n{headers}\n\n".encode() + body

    for method, path in rows(service):
        if method == "GET":
            for query in ["", *QUERIES]:
                yield written(f"GET {path}{query}", "Accept: text/html, application/json", b"")
        else:
            yield written(f"{method} {path}", "Content-Type: application/x-www-form-urlencoded", FORM)
            yield written(f"{method} {path}", "Content-Type: application/json", b"{}")
    for first, headers, body in [*examples(service), *BY_HAND[name]]:
        if "/api/browser/" in first:
            headers = PAGE
        yield written(first, headers, body)
        yield written(first, f"{headers}\nContent-Encoding: gzip", gzip.compress(body, mtime=0))
        yield written(first, f"{headers}\nContent-Encoding: deflate", zlib.compress(body))
        # Nobody's: "abc" in brotli and in zstd.
        yield written(first, f"{headers}\nContent-Encoding: br", bytes.fromhex("0b018061626303"))
        yield written(first, f"{headers}\nContent-Encoding: zstd", bytes.fromhex("28b52ffd2003190000616263"))


def main(folder: Path) -> None:
    for name, service in SERVICES.items():
        place = folder / f"doors_{name}"
        place.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds(name, service)):
            (place / f"seed_{number:04}").write_bytes(seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
