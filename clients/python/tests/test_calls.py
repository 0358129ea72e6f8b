"""Requests that the app makes, SQL, and Celery tasks, watched after `init`."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
import requests
from celery import Celery
from receiver import Receiver
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from told import counted, metrics, reports

import monlight
from monlight.integrations import calls


@pytest.fixture
def shop() -> Iterator[str]:
    """A server that is asked: `/moved` leads to `/users/17`; all else is there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/users/17")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def watched(receiver: Receiver, *integrations: str) -> monlight.Monlight:
    calls._known.clear()
    return monlight.init(
        api_key="k",
        error_tracker_url=receiver.url,
        metrics_collector_url=receiver.url,
        flush_interval=3600,
        integrations=integrations,
    )


def with_session(url: str) -> None:
    with requests.Session() as session:
        session.get(url)


async def get_async(url: str) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(url)


@pytest.mark.parametrize(
    ("library", "get"),
    [
        ("requests", requests.get),
        ("requests", with_session),
        ("httpx", httpx.get),
        ("httpx", lambda url: asyncio.run(get_async(url))),
    ],
    ids=["requests", "session", "httpx", "httpx-async"],
)
def test_outgoing_requests_are_counted_timed_and_breadcrumbs(
    receiver: Receiver, shop: str, library: str, get: Callable[[str], object]
) -> None:
    it = watched(receiver, library)
    with monlight.scope():
        get(f"{shop}/users/17/orders?token=secret")
        with pytest.raises((requests.ConnectionError, httpx.ConnectError)):
            get("http://127.0.0.1:1/refused")
        monlight.capture_message("after")
    it.flush()
    host = shop.removeprefix("http://")
    names = ("library", "method", "host", "endpoint", "status")
    assert counted(receiver, "http_client_requests_total", *names) == Counter(
        [
            (library, "GET", host, "/users/{id}/orders", "200"),
            (library, "GET", "127.0.0.1:1", "/refused", "0"),
        ]
    )
    assert len(metrics(receiver, "http_client_request_duration_seconds")) == 2
    [report] = reports(receiver)
    crumbs = [crumb for crumb in report["breadcrumbs"]["values"] if crumb["category"] == "http"]
    assert [crumb["data"]["status_code"] for crumb in crumbs] == [200, 0]
    assert crumbs[0]["data"]["url"] == f"{shop}/users/17/orders"
    assert "secret" not in str(report)


def test_redirects_are_part_of_one_call(receiver: Receiver, shop: str) -> None:
    it = watched(receiver, "requests")
    assert requests.get(f"{shop}/moved", timeout=5).url.endswith("/users/17")
    it.flush()
    assert counted(receiver, "http_client_requests_total", "endpoint", "status") == Counter(
        {("/moved", "200"): 1}
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("", "/"),
        ("/users/17", "/users/{id}"),
        ("/users/fc6d8c0c43fc4630ad850ee518f1b9d0/x", "/users/{id}/x"),
        ("/o/6f1d2c3a-1111-2222-3333-444455556666", "/o/{id}"),
        ("/orders/A-1042", "/orders/{id}"),
        ("/v2/items", "/v2/items"),
        ("/decade", "/decade"),
    ],
)
def test_ids_in_paths_are_one_endpoint(path: str, shown: str) -> None:
    assert calls.pattern(path) == shown


def test_endpoints_of_others_are_bounded(receiver: Receiver, shop: str) -> None:
    it = watched(receiver, "requests")
    for n in range(calls._MOST_ENDPOINTS + 5):
        name = "".join(chr(ord("p") + int(digit)) for digit in str(n))
        with calls.watched(
            monlight.observer.Observer(metrics=it.metrics), "x", "GET", f"{shop}/{name}"
        ) as call:
            call.status = 200
    it.flush()
    assert len(counted(receiver, "http_client_requests_total", "endpoint")) == calls._MOST_ENDPOINTS + 1


def test_statements_are_timed_by_kind_and_their_parameters_stay_here(receiver: Receiver) -> None:
    it = watched(receiver, "sqlalchemy")
    engine = create_engine("sqlite://")
    with monlight.scope(), engine.begin() as connection:
        connection.execute(text("create table users (name text)"))
        connection.execute(
            text("insert into users values (:name)"), [{"name": "secret-1"}, {"name": "secret-2"}]
        )
        assert connection.execute(text("select count(*) from users")).scalar() == 2
        with pytest.raises(OperationalError):
            connection.execute(text("select nothing from nowhere"))
        monlight.capture_message("after")
    it.close()
    with engine.begin() as connection:
        connection.execute(text("select 1"))
    it.flush()
    timed = metrics(receiver, "db_query_duration_seconds")
    labels = Counter(
        tuple(sample["labels"][name] for name in ("system", "operation", "outcome")) for sample in timed
    )
    assert labels == Counter(
        [
            ("sqlite", "create", "ok"),
            ("sqlite", "insert", "ok"),
            ("sqlite", "select", "ok"),
            ("sqlite", "select", "error"),
        ]
    )
    [report] = reports(receiver)
    assert "insert into users" in str(report["breadcrumbs"])
    assert "secret-1" not in str(report)


def tasks() -> tuple[Celery, Any, Any]:
    app = Celery("shop", broker="memory://", backend="cache+memory://")
    app.conf.task_always_eager = True
    app.conf.task_store_eager_result = False

    @app.task(name="shop.pack")
    def pack(n: int) -> int:
        monlight.add_breadcrumb(f"packing {n}")
        return n

    @app.task(name="shop.fail")
    def fail(n: int) -> None:
        raise ValueError(f"kaput {n}")

    return app, pack, fail


def test_tasks_are_counted_and_failures_reported_each_with_its_own(receiver: Receiver) -> None:
    it = watched(receiver, "celery")
    _, pack, fail = tasks()
    for n in range(3):
        assert pack.delay(n).get() == n
    failed = fail.delay(1)
    assert failed.state == "FAILURE"
    it.flush()
    assert counted(receiver, "celery_tasks_total", "task", "state") == Counter(
        {("shop.pack", "success"): 3, ("shop.fail", "failure"): 1}
    )
    assert len(metrics(receiver, "celery_task_duration_seconds")) == 4
    [report] = reports(receiver)
    assert (report["message"], report["transaction"]) == ("kaput 1", "shop.fail")
    assert report["tags"] == {"celery_task": "shop.fail", "request_id": failed.id}
    assert "breadcrumbs" not in report


def test_a_library_that_is_imported_later_is_watched_then(receiver: Receiver) -> None:
    """In a process of its own, since here all are imported."""
    from test_processes import run

    run(
        """
        import sys, monlight
        it = monlight.init(api_key="k", metrics_collector_url=sys.argv[1])
        assert not {"requests", "flask", "starlette", "django", "celery", "sqlalchemy"} & set(sys.modules)
        import requests, inspect, logging
        try:
            requests.get("http://127.0.0.1:1/")
        except requests.ConnectionError:
            pass
        # It looks as if nobody had been there.
        assert "Requests" in inspect.getsource(requests.sessions)
        assert type(requests.sessions.__loader__).__module__.endswith("_frozen_importlib_external")
        it.close()
        assert not any("monlight" in type(finder).__module__ for finder in sys.meta_path)
        """,
        receiver.url,
    )
    assert counted(receiver, "http_client_requests_total", "status") == Counter({("0",): 1})


def test_each_library_may_be_imported_after_init() -> None:
    from test_processes import run

    done = run("""
        import monlight
        monlight.init(api_key="k", metrics_collector_url="http://127.0.0.1:9")
        import celery, celery.signals, django.core.handlers.base, flask, httpx, requests, sqlalchemy, starlette.applications
        import sqlalchemy.engine
        for function in (
            django.core.handlers.base.BaseHandler.get_response,
            flask.Flask.__call__,
            httpx.Client.send,
            requests.Session.send,
            starlette.applications.Starlette.__call__,
        ):
            assert "monlight" in function.__code__.co_filename, function
        assert celery.signals.task_prerun.receivers
        assert sqlalchemy.engine.Engine.dispatch.before_cursor_execute
        assert monlight.sdk.patching._finder.waiting == {}
    """)
    assert "not watched" not in done.stderr
