"""Import, the end of a process, and forks: each in a process of its own."""

import os
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from receiver import Receiver, status
from waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[1]


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a script that must end well."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_import_starts_nothing_and_loads_no_http_library() -> None:
    run("""
        import threading, sys, atexit
        n_before = atexit._ncallbacks()
        import monlight
        assert threading.active_count() == 1
        assert not {"httpx", "requests", "flask", "starlette", "django", "celery", "sqlalchemy"} & set(sys.modules)
        assert not any("monlight" in repr(it) for it in sys.meta_path)
    """)


def test_what_waits_at_the_end_of_the_process_is_sent(receiver: Receiver) -> None:
    run(
        """
        import logging, sys, monlight
        url = sys.argv[1]
        it = monlight.init(api_key="k", error_tracker_url=url, metrics_collector_url=url, log_viewer_url=url)
        it.metrics.counter("jobs")
        logging.getLogger("app").warning("done")
        monlight.capture_message("hello")
        """,
        receiver.url,
    )
    assert Counter(it.path for it in receiver.received) == Counter(
        ["/api/metrics", "/api/logs", "/api/errors"]
    )


def test_an_exception_that_ends_the_process_or_a_thread_is_reported(receiver: Receiver) -> None:
    run(
        """
        import sys, threading, monlight
        monlight.init(api_key="k", project="job", error_tracker_url=sys.argv[1])
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        try:
            raise LookupError("the end")
        except LookupError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        """,
        receiver.url,
    )
    reports = [
        it
        for request in receiver.received
        for it in (request.body if isinstance(request.body, list) else [request.body])
    ]
    assert {it["exception_type"] for it in reports} == {"ZeroDivisionError", "LookupError"}
    assert all(it["exception"]["values"][-1]["mechanism"]["handled"] is False for it in reports)


def test_a_server_that_is_down_does_not_hold_up_the_end(receiver: Receiver) -> None:
    receiver.stop()
    done = run(
        """
        import sys, monlight
        it = monlight.init(api_key="k", error_tracker_url=sys.argv[1], metrics_collector_url=sys.argv[1])
        it.metrics.counter("jobs")
        monlight.capture_message("hello")
        """,
        receiver.url,
    )
    assert "Traceback" not in done.stderr


FORK = """
    import os, sys, threading, monlight
    it = monlight.init(api_key="k", metrics_collector_url=sys.argv[1], flush_interval=3600)
    it.metrics.counter("before", {"pid": "parent"})
    # The sender has a connection, and the locks were in use.
    it.metrics.flush()
    it.metrics.counter("waiting", {"pid": "parent"})
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            it.metrics.counter("in_child", {"pid": str(number)})
            assert threading.active_count() == 2, threading.enumerate()
            sys.exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    it.metrics.counter("after", {"pid": "parent"})
"""


def test_forks_send_what_is_theirs_and_nothing_twice(receiver: Receiver) -> None:
    run(FORK, receiver.url)
    sent = Counter((it["name"], it["labels"]["pid"]) for request in receiver.received for it in request.body)
    assert sent == Counter(
        [
            ("before", "parent"),
            ("waiting", "parent"),
            ("after", "parent"),
            *(("in_child", str(number)) for number in range(3)),
        ]
    )


def test_a_fork_while_the_queue_is_locked_does_not_hang(receiver: Receiver) -> None:
    run(
        """
        import os, sys, threading, monlight
        it = monlight.init(api_key="k", metrics_collector_url=sys.argv[1], flush_interval=3600)
        is_held, is_over = threading.Event(), threading.Event()

        def hold():
            with it.metrics._lane._lock:
                is_held.set()
                is_over.wait()

        threading.Thread(target=hold, daemon=True).start()
        is_held.wait()
        child = os.fork()
        if child == 0:
            it.metrics.counter("in_child")
            it.metrics.flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        is_over.set()
        """,
        receiver.url,
    )
    assert [it["name"] for request in receiver.received for it in request.body] == ["in_child"]


GUNICORN = """
    import os, monlight
    it = monlight.init(api_key="k", project="shop", metrics_collector_url=os.environ["RECEIVER"], flush_interval=3600)
    from flask import Flask
    app = Flask(__name__)
    it.metrics.counter("loaded")

    @app.get("/users/<int:user>")
    def user(user):
        return str(os.getpid())
"""


def test_workers_of_gunicorn_that_were_forked_from_a_loaded_app_each_send_theirs(
    receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "shop_app.py").write_text(textwrap.dedent(GUNICORN))
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--preload",
            "-w",
            "2",
            "-b",
            "127.0.0.1:0",
            "--no-control-socket",
            "shop_app:app",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RECEIVER": receiver.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr
        url = next(line.split("at: ")[1].split()[0] for line in server.stderr if "Listening at" in line)
        import httpx

        pids = {httpx.get(f"{url}/users/{n}", timeout=PATIENCE).text for n in range(30)}
    finally:
        server.terminate()
        server.communicate(timeout=PATIENCE)
    received = [it for request in receiver.received for it in request.body]
    assert sum(it["value"] for it in received if it["name"] == "loaded") == 1
    counted = [it for it in received if it["name"] == "http_requests_total"]
    assert sum(it["value"] for it in counted) == 30
    assert {it["labels"]["endpoint"] for it in counted} == {"/users/<int:user>"}
    # Those that had something to send, and the parent.
    assert receiver.n_connections == len(pids) + 1


@pytest.mark.parametrize("code", [200, 500])
def test_a_lifespan_that_ends_sends_what_waits(receiver: Receiver, code: int) -> None:
    """Killed right after the lifespan, where nothing that is registered for the end is run any more."""
    receiver.usual = status(code)
    run(
        """
        import asyncio, os, sys
        from fastapi import FastAPI
        from monlight.integrations.fastapi import setup_monlight
        app = FastAPI()
        clients = setup_monlight(app, metrics_collector_url=sys.argv[1], api_key="k")
        clients["metrics_client"].counter("orders")
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive():
            return messages.pop(0)

        async def send(message):
            if message["type"] == "lifespan.shutdown.complete":
                os._exit(0)

        asyncio.run(app({"type": "lifespan", "state": {}}, receive, send))
        sys.exit(1)
        """,
        receiver.url,
    )
    assert receiver.received[0].body[0]["name"] == "orders"
