"""What users of `monlight` 0.3.0 rely on: names, arguments, defaults, and what is on the wire."""

import asyncio
import inspect
import json
import re
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from receiver import Receiver, status

import monlight
from monlight import ErrorClient, MetricsClient
from monlight.integrations.fastapi import MonlightExceptionHandler, MonlightMiddleware, setup_monlight


class Outer:
    class CustomError(Exception):
        pass


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def parameters(function: Callable[..., object]) -> dict[str, object]:
    return {name: it.default for name, it in inspect.signature(function).parameters.items() if name != "self"}


@pytest.mark.parametrize(
    ("function", "of_030"),
    [
        (
            ErrorClient,
            {"base_url": ..., "api_key": ..., "project": "default", "timeout": 5.0, "excluded_headers": None},
        ),
        (ErrorClient.report_error, {"exception": ..., "request_context": None}),
        (ErrorClient.report_error_sync, {"exception": ..., "request_context": None}),
        (
            MetricsClient,
            {"base_url": ..., "api_key": ..., "flush_interval": 10.0, "timeout": 5.0, "project": None},
        ),
        (MetricsClient.start, {}),
        (MetricsClient.counter, {"name": ..., "labels": None, "value": 1}),
        (MetricsClient.histogram, {"name": ..., "value": ..., "labels": None}),
        (MetricsClient.gauge, {"name": ..., "value": ..., "labels": None}),
        (MetricsClient.flush, {}),
        (MetricsClient.shutdown, {}),
        (
            setup_monlight,
            {
                "app": ...,
                "error_tracker_url": None,
                "metrics_collector_url": None,
                "api_key": ...,
                "project": "default",
                "flush_interval": 10.0,
            },
        ),
        (MonlightExceptionHandler, {"request": ..., "exc": ...}),
    ],
)
def test_arguments_have_their_names_places_and_defaults(
    function: Callable[..., object], of_030: dict[str, object]
) -> None:
    ours = list(parameters(function).items())
    wanted = [(name, inspect.Parameter.empty if it is ... else it) for name, it in of_030.items()]
    assert ours[: len(wanted)] == wanted


def test_its_names_and_attributes_are_there() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", monlight.__version__)
    errors = ErrorClient("http://127.0.0.1:1///", "key", "shop", 2.0, {"X-Secret"})
    assert (errors.base_url, errors.api_key, errors.project, errors.timeout) == (
        "http://127.0.0.1:1",
        "key",
        "shop",
        2.0,
    )
    metrics = MetricsClient("http://127.0.0.1:1/", "key", 3.0, 2.0, "shop")
    assert (metrics.base_url, metrics.flush_interval, metrics.project) == ("http://127.0.0.1:1", 3.0, "shop")
    assert list(inspect.signature(MonlightMiddleware).parameters)[:2] == ["app", "metrics_client"]


CONTEXT = {
    "request_url": "http://h/x?y=1",
    "request_method": "POST",
    "request_headers": {
        "X-Foo": "b",
        "AUTHORIZATION": "a",
        "Cookie": "c",
        "set-cookie": "d",
        "X-API-Key": "e",
        "X-Mine": "f",
    },
    "user_id": 42,
    "extra": {"k": [1, {"a": None}], "ü": "ß"},
}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_report_is_there_when_the_call_returns(receiver: Receiver, is_async: bool) -> None:
    errors = ErrorClient(receiver.url + "/", "KEY", "proj-a", excluded_headers={"x-mine"})
    error = raised(KeyError("missing"))
    if is_async:
        asyncio.run(errors.report_error(error, CONTEXT))
    else:
        errors.report_error_sync(error, request_context=CONTEXT)
    [request] = receiver.received
    assert request.path == "/api/errors"
    assert request.headers["x-api-key"] == "KEY"
    assert request.headers["content-type"] == "application/json"
    body = request.body
    assert list(body)[:9] == [
        "project",
        "exception_type",
        "message",
        "traceback",
        "request_url",
        "request_method",
        "request_headers",
        "user_id",
        "extra",
    ]
    assert body["traceback"].startswith("Traceback (most recent call last):\n")
    assert body["traceback"].endswith("\nKeyError: 'missing'\n")
    assert {name: body[name] for name in list(body)[:9] if name != "traceback"} == {
        "project": "proj-a",
        "exception_type": "KeyError",
        "message": "'missing'",
        "request_url": "http://h/x?y=1",
        "request_method": "POST",
        "request_headers": {"X-Foo": "b"},
        "user_id": "42",
        "extra": {"k": [1, {"a": None}], "ü": "ß"},
    }


def test_what_is_not_known_is_left_out_and_the_type_has_no_module(receiver: Receiver) -> None:
    ErrorClient(receiver.url, "KEY").report_error_sync(raised(Outer.CustomError("no ctx")))
    body = receiver.received[0].body
    assert (body["project"], body["exception_type"], body["message"]) == (
        "default",
        "Outer.CustomError",
        "no ctx",
    )
    assert not {"request_url", "request_method", "request_headers", "user_id", "extra"} & set(body)


def test_metrics_wait_for_a_flush_and_have_the_shape_of_030(receiver: Receiver) -> None:
    metrics = MetricsClient(receiver.url, "KEY", project="proj-a")
    metrics.counter("user_signups", {"plan": "pro"})
    metrics.counter("plain")
    metrics.counter("bytes", None, 12.5)
    metrics.histogram("pay_seconds", 0.342)
    metrics.gauge("active", 42, labels={"n": "ü"})
    assert receiver.received == []
    metrics.flush()
    [request] = receiver.received
    assert (request.path, request.headers["x-api-key"]) == ("/api/metrics", "KEY")
    by_name = {it["name"]: it for it in request.body}
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", it.pop("timestamp")) for it in by_name.values()
    )
    assert by_name == {
        "user_signups": {
            "name": "user_signups",
            "type": "counter",
            "value": 1,
            "labels": {"plan": "pro"},
            "project": "proj-a",
        },
        "plain": {"name": "plain", "type": "counter", "value": 1, "project": "proj-a"},
        "bytes": {"name": "bytes", "type": "counter", "value": 12.5, "project": "proj-a"},
        "pay_seconds": {"name": "pay_seconds", "type": "histogram", "value": 0.342, "project": "proj-a"},
        "active": {
            "name": "active",
            "type": "gauge",
            "value": 42,
            "labels": {"n": "ü"},
            "project": "proj-a",
        },
    }
    metrics.flush()
    assert len(receiver.received) == 1


def test_after_start_metrics_go_by_themselves_and_shutdown_sends_the_rest(receiver: Receiver) -> None:
    metrics = MetricsClient(receiver.url, "KEY", flush_interval=0.05)
    metrics.counter("early")
    metrics.start()
    metrics.start()
    assert receiver.wait_for(1)[0].body[0]["name"] == "early"
    metrics.shutdown()
    metrics.counter("late")
    metrics.shutdown()
    assert receiver.received[-1].body[0]["name"] == "late"
    assert "project" not in receiver.received[-1].body[0]


def app_with(receiver: Receiver) -> tuple[FastAPI, dict[str, object]]:
    app = FastAPI()
    clients = setup_monlight(
        app,
        error_tracker_url=receiver.url,
        metrics_collector_url=receiver.url,
        api_key="KEY",
        project="shop",
    )

    @app.get("/users/{user_id}")
    async def user(user_id: int) -> int:
        return user_id

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("kaput")

    return app, clients


async def ask(app: FastAPI, *paths: str) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        return [await client.get(path, headers={"Cookie": "a=b", "X-Trace": "t"}) for path in paths]


def test_setup_monlight_counts_requests_and_reports_exceptions(receiver: Receiver) -> None:
    app, clients = app_with(receiver)
    answers = asyncio.run(ask(app, "/users/1", "/users/2", "/boom", "/nope"))
    assert [it.status_code for it in answers] == [200, 200, 500, 404]
    assert answers[2].json() == {"detail": "Internal server error"}
    errors, metrics = clients["error_client"], clients["metrics_client"]
    assert isinstance(errors, ErrorClient)
    assert isinstance(metrics, MetricsClient)
    assert app.state.monlight_error_client is errors
    assert errors.flush()
    metrics.flush()
    by_path = {it.path: it.body for it in receiver.received}
    report = by_path["/api/errors"]
    assert (report["project"], report["exception_type"], report["message"]) == ("shop", "ValueError", "kaput")
    assert (report["request_url"], report["request_method"]) == ("http://shop.example/boom", "GET")
    assert report["request_headers"]["x-trace"] == "t"
    assert "cookie" not in report["request_headers"]
    counted = {
        tuple(sorted(it["labels"].items())): it["value"]
        for it in by_path["/api/metrics"]
        if it["name"] == "http_requests_total"
    }
    assert counted == {
        (("endpoint", endpoint), ("method", "GET"), ("status", code)): n
        for endpoint, code, n in [("/users/{user_id}", "200", 2), ("/boom", "500", 1), ("/nope", "404", 1)]
    }
    timed = [it for it in by_path["/api/metrics"] if it["name"] == "http_request_duration_seconds"]
    assert len(timed) == 4
    assert all(it["type"] == "histogram" and 0 < it["value"] < 20 for it in timed)


def test_a_double_of_the_error_client_is_asked_as_in_030() -> None:
    seen: list[str] = []

    class Double:
        async def report_error(self, exception: BaseException, request_context: dict[str, str]) -> None:
            seen.append(f"{exception} {request_context['request_method']}")

    app = FastAPI()
    app.state.monlight_error_client = Double()
    app.add_exception_handler(Exception, MonlightExceptionHandler)

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("kaput")

    async def run() -> None:
        await ask(app, "/boom")
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(run())
    assert seen == ["kaput GET"]


def test_without_urls_nothing_is_set_up() -> None:
    assert setup_monlight(FastAPI(), api_key="KEY") == {"error_client": None, "metrics_client": None}


@pytest.mark.parametrize("code", [200, 201])
def test_both_answers_of_a_tracker_are_well(
    receiver: Receiver, warnings: Callable[[], list[str]], code: int
) -> None:
    receiver.usual = status(code)
    ErrorClient(receiver.url, "KEY").report_error_sync(raised(ValueError("x")))
    assert warnings() == []


def test_a_refusal_is_a_warning_with_the_words_of_the_server(
    receiver: Receiver, warnings: Callable[[], list[str]]
) -> None:
    receiver.usual = status(401, json.dumps({"detail": "no such key"}).encode())
    errors = ErrorClient(receiver.url, "KEY")
    for _ in range(3):
        errors.report_error_sync(raised(ValueError("x")))
    [warning] = warnings()
    assert "401" in warning
    assert "no such key" in warning
    assert errors.n_dropped == 3
