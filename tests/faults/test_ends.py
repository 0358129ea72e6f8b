"""Services that end in the middle of their work: what they acknowledged is there when they are back, and once."""

import os
import random
import signal

from conftest import Saw
from fleet import SERVICES, Fleet, until
from writing import Writing, stored

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
"""Kills; `make faults` does more."""


def all_there(fleet: Fleet, writers: list[Writing]) -> str:
    """Nothing is lost, nothing is there twice. The relay's may still be on their way."""
    for writer in writers:
        until(
            f"{writer.service} has what it acknowledged",
            lambda writer=writer: stored(fleet, writer.service) >= writer.acknowledged,
        )
        n_stored = stored(fleet, writer.service)
        assert writer.lost(n_stored) == 0, (writer.service, writer.acknowledged, writer.unanswered, n_stored)
    return f"{sum(writer.acknowledged for writer in writers):,} acknowledged, none lost, none twice"


def test_all_four_are_killed_at_once_under_load(fleet: Fleet, saw: Saw) -> None:
    dice = random.Random(7)
    fleet.start()
    writers = [Writing(fleet, service) for service in SERVICES]
    for _ in range(ROUNDS):
        goal = [writer.acknowledged + dice.randint(20, 200) for writer in writers]
        until(
            "all are written to",
            lambda goal=goal: all(w.acknowledged >= n for w, n in zip(writers, goal, strict=True)),
        )
        fleet.kill()
        fleet.start()
    for writer in writers:
        assert not writer.stop().refusals, (writer.service, writer.last_refusal)
    saw(f"SIGKILL of all four at once under writes, {ROUNDS} times", all_there(fleet, writers))


def test_sigterm_in_the_middle_of_writes(fleet: Fleet, saw: Saw) -> None:
    fleet.start()
    writers = [Writing(fleet, service) for service in SERVICES]
    until("all are written to", lambda: all(writer.acknowledged > 50 for writer in writers))
    codes = [fleet.stop(service) for service in reversed(SERVICES)]
    assert codes == [0, 0, 0, 0]
    for writer in writers:
        writer.stop()
    fleet.start()
    saw("SIGTERM under writes", f"exit code 0 each; {all_there(fleet, writers)}")


def test_a_second_one_on_the_same_database_is_refused(fleet: Fleet, saw: Saw) -> None:
    fleet.start()
    for service in SERVICES:
        first, port = fleet.processes[service], fleet.ports[service]
        # A port of its own, so that nothing but the database is in its way.
        fleet.settings[service]["LISTEN_ADDR"] = "127.0.0.1:0"
        second = fleet.launch(service)
        assert second.wait(60) != 0
        assert "another process" in fleet.log(service).lower() or "in use" in fleet.log(service).lower(), (
            fleet.log(service)
        )
        fleet.processes[service], fleet.ports[service] = first, port
        assert fleet.is_ready(service)
    saw("a second process on the same database", "ends with a word on why; the first goes on")


def test_a_backend_that_hangs_and_one_that_is_gone_by_name(fleet: Fleet, saw: Saw) -> None:
    fleet.settings["browser-relay"]["LOG_VIEWER_URL"] = "http://gone.invalid:5011"
    fleet.start()
    fleet.send("error-tracker", signal.SIGSTOP)
    writer = Writing(fleet, "browser-relay")
    until("the relay takes what it cannot pass on", lambda: writer.acknowledged >= 20)
    fleet.send("error-tracker", signal.SIGCONT)
    until("the relay goes on", lambda: writer.acknowledged >= 40)
    assert not writer.stop().refusals, writer.last_refusal
    seen = all_there(fleet, [writer])
    with fleet.client("browser-relay") as client:
        client.headers["X-Monlight-Key"] = "0123456789abcdef0123456789abcdef"
        answer = client.post("/api/browser/logs", json={"logs": [{"level": "info", "message": "of a page"}]})
    assert answer.status_code == 202, answer.text
    fleet.stop("browser-relay")
    del fleet.settings["browser-relay"]["LOG_VIEWER_URL"]
    fleet.start(["browser-relay"])
    until("the line arrives", lambda: fleet.ask("log-viewer", "/api/logs", search="page").json()["logs"])
    saw(
        "the tracker hangs (SIGSTOP); the log viewer's name cannot be looked up",
        f"202; {seen}; the line arrives when there is a way",
    )
