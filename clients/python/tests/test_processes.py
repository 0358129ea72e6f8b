"""Import, the end of a process, and forks: each in a process of its own."""

import os
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path

import pytest
from receiver import Receiver, status
from told import counted, reports
from waiting import PATIENCE, eventually

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


def test_a_server_that_never_answers_holds_up_the_end_only_once(receiver: Receiver) -> None:
    is_over = threading.Event()
    # Longer than anybody waits here.
    receiver.usual = lambda _: is_over.wait(PATIENCE * 10) and None
    done = run(
        """
        import logging, sys, time, monlight
        from monlight import transport
        transport.EXIT_TIMEOUT_S = 0.2
        it = monlight.init(api_key="k", log_viewer_url=sys.argv[1], timeout=3600)
        logging.getLogger("app").warning("hello")
        print("end")
        """,
        receiver.url,
    )
    is_over.set()
    assert done.stdout == "end\n"


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


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_send_theirs(receiver: Receiver, tmp_path: Path, method: str) -> None:
    (tmp_path / "job.py").write_text(
        textwrap.dedent("""
            import multiprocessing, sys, monlight

            def work(url):
                it = monlight.init(api_key="k", metrics_collector_url=url, flush_interval=3600)
                it.metrics.counter("in_child")

            if __name__ == "__main__":
                child = multiprocessing.get_context(sys.argv[2]).Process(target=work, args=[sys.argv[1]])
                child.start()
                child.join()
                sys.exit(child.exitcode)
        """)
    )
    subprocess.run(
        [sys.executable, tmp_path / "job.py", receiver.url, method],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=PATIENCE * 2,
    )
    assert [it["name"] for request in receiver.received for it in request.body] == ["in_child"]


CELERY = """
    import os, monlight
    monlight.init(
        api_key="k", project="jobs", metrics_collector_url=os.environ["RECEIVER"],
        error_tracker_url=os.environ["RECEIVER"], flush_interval=3600,
    )
    from celery import Celery
    app = Celery("jobs", broker="filesystem://")
    app.conf.broker_transport_options = {
        "data_folder_in": "queue", "data_folder_out": "queue", "polling_interval": 0.05, "store_processed": False,
    }
    monlight.capture_message("loaded before the fork")

    @app.task(name="jobs.pack")
    def pack(n):
        if n == 3:
            raise ValueError(f"kaput in {os.getpid()}")
        open(f"done-{n}", "w").close()
"""


def test_celerys_forked_workers_send_theirs_when_they_end(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(textwrap.dedent(CELERY))
    (tmp_path / "queue").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RECEIVER": receiver.url}
    celery = [sys.executable, "-m", "celery", "-A", "jobs"]
    worker = subprocess.Popen(
        [
            *celery,
            "worker",
            "--pool",
            "prefork",
            "-c",
            "2",
            "--without-gossip",
            "--without-mingle",
            "-l",
            "error",
        ],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        send = "import jobs, monlight; [jobs.pack.delay(n) for n in range(8)]"
        subprocess.run(
            [sys.executable, "-c", send],
            cwd=tmp_path,
            env={**environment, "RECEIVER": "http://127.0.0.1:9"},
            check=True,
        )
        eventually(lambda: len(list(tmp_path.glob("done-*"))) == 7, "the tasks are done")
        eventually(lambda: len(reports(receiver)) == 2, "the failure is reported")
    finally:
        worker.terminate()
        print(*worker.communicate(timeout=PATIENCE))
    assert counted(receiver, "celery_tasks_total", "task", "state") == Counter(
        {("jobs.pack", "success"): 7, ("jobs.pack", "failure"): 1}
    )
    texts = Counter(it.get("message") or it["logentry"]["formatted"] for it in reports(receiver))
    assert texts["loaded before the fork"] == 1
