"""Writes that are told apart, and what of them is there in the end."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from fleet import DSN_KEY, PATIENCE, Fleet


def an_error(n: int) -> object:
    return {
        "project": "shop",
        "exception_type": f"E{n}",
        "message": "m",
        "traceback": f'File "f{n}.py", line 1',
    }


def a_line(n: int) -> object:
    return [{"container": "shop", "message": f"line number{n}"}]


def a_sample(n: int) -> object:
    return [{"name": "written_total", "type": "counter", "value": 1, "project": "shop"}]


def a_browser_error(n: int) -> object:
    return {
        "type": f"B{n}",
        "message": "m",
        "stack": f"B{n}: m\n    at f{n} (https://shop.example.com/f{n}.js:1:1)",
    }


WRITES: dict[str, tuple[str, Callable[[int], object]]] = {
    "error-tracker": ("/api/errors", an_error),
    "log-viewer": ("/api/logs", a_line),
    "metrics-collector": ("/api/metrics", a_sample),
    "browser-relay": ("/api/browser/errors", a_browser_error),
}


def stored(fleet: Fleet, service: str) -> int:
    """How many of the writes to a service are there; those to the relay are in the tracker."""

    def number(of: str, path: str, **parameters: Any) -> int:
        answer = fleet.ask(of, path, **parameters)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return int(body["data"][0]["sum"] if body.get("data") else body.get("total", 0))

    match service:
        case "log-viewer":
            return number(service, "/api/logs", container="shop", limit=1, count="exact")
        case "metrics-collector":
            return number(service, "/api/metrics", name="written_total", resolution="whole")
        case "error-tracker":
            return number(service, "/api/errors", project="shop", resolved="all", limit=1)
        case _:
            return number("error-tracker", "/api/errors", project="web", resolved="all", limit=1)


class Writing:
    """Writes to one service, one request after the other, from a thread of its own until told to stop.

    A request without an answer may have been stored or not, and is not sent again.
    """

    def __init__(self, fleet: Fleet, service: str, first: int = 0) -> None:
        self.service = service
        self.acknowledged, self.unanswered = 0, 0
        self.refusals: Counter[int] = Counter()
        self.last_refusal = ""
        self._fleet, self._first = fleet, first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        path, make = WRITES[self.service]
        client = self._fleet.client(self.service)
        client.headers["X-Monlight-Key"] = DSN_KEY
        number = self._first
        with client:
            while not self._over.is_set():
                number += 1
                try:
                    answer = client.post(path, json=make(number))
                except httpx.ConnectError:
                    # Nobody was there to store it.
                    self._over.wait(0.02)
                except httpx.TransportError:
                    self.unanswered += 1
                else:
                    self._note(answer)

    def _note(self, answer: httpx.Response) -> None:
        if answer.is_success:
            self.acknowledged += 1
            return
        self.refusals[answer.status_code] += 1
        self.last_refusal = answer.text
        # A client that is refused waits a moment.
        self._over.wait(0.01)

    def stop(self) -> "Writing":
        self._over.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), f"a write to {self.service} has no answer"
        return self

    def lost(self, n_stored: int) -> int:
        """What was acknowledged and is not there; what is there that was never sent counts as well."""
        too_many = n_stored - self.acknowledged - self.unanswered
        return max(self.acknowledged - n_stored, 0) + max(too_many, 0)
