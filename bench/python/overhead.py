"""What the Python client adds to a request: a FastAPI and a Flask app under wrk, with it and without, in one run.

`clients/python/.venv/bin/python bench/python/overhead.py [ROUNDS] [SECONDS]`; needs wrk and the services in
`MONLIGHT_BIN` (default target/quick). The app has one core, wrk and the services have the others.
"""

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("MONLIGHT_BIN", "target/quick")
KEY = "key-of-the-bench-0123456789"
CPUS = sorted(os.sched_getaffinity(0))
SERVICES = {
    "error-tracker": "ERROR_TRACKER",
    "log-viewer": "LOG_VIEWER",
    "metrics-collector": "METRICS_COLLECTOR",
}
VARIANTS: dict[str, dict[str, str]] = {"without": {}, "with": {"WATCHED": "1"}}
_LATENCY = re.compile(r"50%\s+([\d.]+)(us|ms|s)")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_REQUESTS = re.compile(r"(\d+) requests in")
_UNIT_US = {"us": 1.0, "ms": 1e3, "s": 1e6}


def on(cpus: list[int], command: list[str]) -> list[str]:
    """The command, kept on these cores."""
    return ["taskset", "-c", ",".join(map(str, cpus)), *command]


@contextlib.contextmanager
def running(command: list[str], cpus: list[int], **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A process on these cores, until the end of the block."""
    process = subprocess.Popen(
        on(cpus, command),
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextlib.contextmanager
def services(folder: str) -> Iterator[dict[str, str]]:
    """The real ones, each with a database of its own; what an app needs to find them."""
    found = {"MONLIGHT_API_KEY": KEY, "MONLIGHT_PROJECT": "bench"}
    with contextlib.ExitStack() as stack:
        for name, variable in SERVICES.items():
            database = str(Path(folder) / f"{name}.db")
            settings = {
                "LISTEN_ADDR": "127.0.0.1:0",
                "DATABASE_PATH": database,
                "API_KEY": KEY,
                "LOG_SOURCES": folder,
            }
            process = stack.enter_context(running([str(BIN / name)], CPUS[:-1] or CPUS, **settings))
            assert process.stderr
            line = next(it for it in process.stderr if "listening on" in it)
            found[f"MONLIGHT_{variable}_URL"] = line.split("listening on ")[1].strip()
        yield found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(app: str, port: int) -> list[str]:
    here = str(Path(__file__).parent)
    python = [sys.executable, "-m"]
    if app == "fast":
        return [*python, "uvicorn", "apps:fast", "--app-dir", here, "--port", str(port), "--no-access-log"]
    options = [
        "-k",
        "gthread",
        "--threads",
        "4",
        "--keep-alive",
        "60",
        "--no-control-socket",
        "--chdir",
        here,
    ]
    return [*python, "gunicorn", "apps:flask", "-b", f"127.0.0.1:{port}", *options]


@contextlib.contextmanager
def serving(app: str, variables: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The app behind its usual server; the URL that is asked for, and the process."""
    url = f"http://127.0.0.1:{(port := free_port())}/users/17"
    with running(
        command(app, port), CPUS[-1:], PYTHONPATH=str(ROOT / "clients/python"), **variables
    ) as server:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url).read()
                break
            time.sleep(0.1)
        yield url, server.pid


def cpu_seconds(pid: int) -> float:
    """Of a process and of the children that it has now: gunicorn answers in one."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    fields = [Path(f"/proc/{it}/stat").read_text().rpartition(")")[2].split() for it in pids]
    return sum(int(it[11]) + int(it[12]) for it in fields) / os.sysconf("SC_CLK_TCK")


def wrk(url: str, pid: int, n_connections: int, seconds: int) -> tuple[float, float, float]:
    """In µs: the median latency, the time for a request on average, and the CPU time of the app for one."""
    before = cpu_seconds(pid)
    load = on(CPUS[:-1] or CPUS, ["wrk", "-t1", f"-c{n_connections}", f"-d{seconds}s", "--latency", url])
    told = subprocess.run(load, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in told, told
    used = cpu_seconds(pid) - before
    median, rate, n_requests = _LATENCY.search(told), _RATE.search(told), _REQUESTS.search(told)
    assert median and rate and n_requests, told
    return float(median[1]) * _UNIT_US[median[2]], 1e6 / float(rate[1]), 1e6 * used / int(n_requests[1])


def measure(app: str, n_rounds: int, seconds: int, where: dict[str, str]) -> None:
    """Both variants run; each round asks one after the other, and the order is turned round by round."""
    titles = ("1 connection, p50", "8 connections, 1 / rate", "8 connections, CPU of the app")
    figures: dict[str, dict[str, list[float]]] = {title: {name: [] for name in VARIANTS} for title in titles}
    with contextlib.ExitStack() as stack:
        served = {
            name: stack.enter_context(serving(app, {**where, **more})) for name, more in VARIANTS.items()
        }
        for url, pid in served.values():
            wrk(url, pid, 8, 1)
        for number in range(n_rounds):
            for name in sorted(served, reverse=number % 2 == 0):
                one, many = (wrk(*served[name], n_connections, seconds) for n_connections in (1, 8))
                for title, figure in zip(titles, (one[0], many[1], many[2]), strict=True):
                    figures[title][name].append(figure)
    for title, found in figures.items():
        middle = {name: statistics.median(values) for name, values in found.items()}
        added = [b - a for a, b in zip(found["without"], found["with"], strict=True)]
        print(
            f"{app:6} {title:29} without {middle['without']:6.1f} µs  with {middle['with']:6.1f} µs"
            f"  added {statistics.median(added):+6.1f} µs  (rounds {min(added):+.1f} … {max(added):+.1f})",
            flush=True,
        )


def main() -> None:
    given = [int(it) for it in sys.argv[1:]]
    n_rounds, seconds = given + [7, 2][len(given) :]
    with tempfile.TemporaryDirectory() as folder, services(folder) as where:
        for app in ("fast", "flask"):
            measure(app, n_rounds, seconds, where)


main()
