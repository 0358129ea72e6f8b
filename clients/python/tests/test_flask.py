"""Flask, watched after `init`."""

from collections import Counter

from flask import Flask, Response, abort
from receiver import Receiver
from told import counted, reports

import monlight


def shop() -> Flask:
    app = Flask(__name__)

    @app.get("/users/<int:user_id>")
    def user(user_id: int) -> str:
        return str(user_id)

    @app.get("/boom/<n>")
    def boom(n: str) -> str:
        monlight.set_user(n)
        raise ValueError(f"kaput {n}")

    @app.get("/gone")
    def gone() -> Response:
        abort(410)

    @app.get("/stream")
    def stream() -> Response:
        return Response(iter(["a", "b"]))

    return app


def watched(receiver: Receiver) -> monlight.Monlight:
    return monlight.init(
        api_key="k",
        project="shop",
        error_tracker_url=receiver.url,
        metrics_collector_url=receiver.url,
        flush_interval=3600,
        integrations=["flask"],
    )


def test_requests_are_counted_by_rule(receiver: Receiver) -> None:
    it = watched(receiver)
    browser = shop().test_client()
    assert browser.get("/users/1").text == "1"
    assert browser.get("/users/2").text == "2"
    assert browser.get("/gone").status_code == 410
    assert browser.get("/nope").status_code == 404
    assert browser.get("/stream").text == "ab"
    it.flush()
    assert counted(receiver, "http_requests_total", "method", "endpoint", "status") == Counter(
        {
            ("GET", "/users/<int:user_id>", "200"): 2,
            ("GET", "/gone", "410"): 1,
            ("GET", "/nope", "404"): 1,
            ("GET", "/stream", "200"): 1,
        }
    )
    assert reports(receiver) == []


def test_an_exception_is_reported_with_its_request_and_answered_as_ever(receiver: Receiver) -> None:
    it = watched(receiver)
    browser = shop().test_client()
    for n in (1, 2):
        answer = browser.get(
            f"/boom/{n}?a=b", headers={"Cookie": "c", "X-Trace": "t", "X-Real-IP": "1.2.3.4"}
        )
        assert answer.status_code == 500
    it.flush()
    first, second = reports(receiver)
    assert (first["message"], first["user_id"], second["user_id"]) == ("kaput 1", "1", "2")
    assert first["transaction"] == "GET /boom/<n>"
    assert (first["request_method"], first["request_url"]) == ("GET", "http://localhost/boom/1?a=b")
    assert first["request_headers"]["x-trace"] == "t"
    # Neither the cookie nor the visitor's address.
    assert not {"cookie", "x-real-ip"} & set(first["request_headers"])
    assert counted(receiver, "http_requests_total", "endpoint", "status") == Counter(
        {("/boom/<n>", "500"): 2}
    )


def test_an_app_that_lets_exceptions_through_still_does(receiver: Receiver) -> None:
    it = watched(receiver)
    app = shop()
    app.testing = True
    try:
        app.test_client().get("/boom/1")
    except ValueError as error:
        assert str(error) == "kaput 1"
    else:
        raise AssertionError("it was swallowed")
    it.flush()
    assert len(reports(receiver)) == 1
