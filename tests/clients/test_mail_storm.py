"""Many alerts at once: one bug is one mail, a few bugs are mails, many are a digest. And what a mail API needs."""

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mail_server import MailServer
from tracker import KEY, Tracker, binary
from waiting import eventually

StartTracker = Callable[..., Tracker]

DIGEST_TIMEOUT = 60.0
"""A storm is told once nothing new came for ten seconds."""
TEST_SUBJECT = "[error-tracker] SMTP test alert"


def check_nothing_more(tracker: Tracker, server: MailServer) -> None:
    eventually(lambda: tracker.n_mails_waiting() == 0, "no mail waits")
    tracker.post("/api/test-alert")
    assert server.next_mail().subject == TEST_SUBJECT


def batch(tracker: Tracker, reports: list[dict[str, str]]) -> None:
    with tracker.client() as client:
        answer = client.post("/api/errors/batch", json=reports).raise_for_status().json()
    assert answer["refused"] == 0


def bug(number: int, project: str = "shop") -> dict[str, str]:
    name = f"Bug{number}"
    return {"project": project, "exception_type": name, "message": f"message {number}", "traceback": name}


def test_a_storm_of_one_bug_is_one_mail(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: batch(tracker, [bug(1)] * 100), range(20)))
    assert mail_server.next_mail().subject == "[shop] Bug1: message 1 (#1)"
    assert tracker.get("/api/errors/1")["count"] == 2000
    check_nothing_more(tracker, mail_server)


def test_three_new_bugs_at_once_are_three_mails(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    batch(tracker, [bug(number) for number in range(3)])
    subjects = sorted(mail_server.next_mail().subject for _ in range(3))
    assert subjects == [f"[shop] Bug{number}: message {number} (#{number + 1})" for number in range(3)]
    check_nothing_more(tracker, mail_server)


def test_many_bugs_at_once_are_one_digest(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings(), BASE_URL="https://mon.example.com/errors-of/")
    with ThreadPoolExecutor(4) as pool:
        reports = [bug(number, "blog" if number % 3 == 0 else "shop") for number in range(300)]
        list(pool.map(lambda start: batch(tracker, reports[start : start + 50]), range(0, 300, 50)))
    # One of them has by far the most reports: it comes first.
    worst = tracker.report(**bug(7))["id"]
    batch(tracker, [bug(7)] * 99)

    mail = mail_server.next_mail(DIGEST_TIMEOUT)
    assert mail.subject == "[Monlight] 300 new errors in 2 projects"
    assert mail.recipients == ["ops@example.com"]
    assert mail.message.get_content_type() == "multipart/alternative"
    plain = mail.plain.replace("\r\n", "\n")
    assert "300 new errors in 2 projects." in plain
    links = re.findall(r"https://mon\.example\.com/errors-of/errors/(\d+)\n", plain)
    assert int(links[0]) == worst
    assert len(links) == len(set(links)) < 300
    assert "Bug7" in plain and "101 reports so far" in plain
    assert f"And {300 - len(links)} more." in plain
    assert re.findall(r'href="https://mon\.example\.com/errors-of/errors/(\d+)"', mail.html) == links
    assert 'href="https://mon.example.com/errors-of/"' in mail.html
    assert "Bug7" in mail.html
    check_nothing_more(tracker, mail_server)

    assert tracker.get("/api/errors", limit="1")["total"] == 300
    assert tracker.get(f"/api/errors/{worst}")["count"] == 101
    [test, digest] = tracker.get("/api/deliveries")["deliveries"]
    assert (test["kind"], digest["kind"]) == ("test", "digest")
    assert (digest["state"], digest["alerts"], digest["attempts"]) == ("delivered", 300, 1)


def test_a_digest_survives_a_crash_in_the_storm(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    batch(tracker, [bug(number) for number in range(20)])
    tracker.kill()
    tracker.start()
    assert mail_server.next_mail(DIGEST_TIMEOUT).subject == "[Monlight] 20 new errors in shop"
    check_nothing_more(tracker, mail_server)


def start_with(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Starts it with settings that it must refuse."""
    environment = {"LISTEN_ADDR": "127.0.0.1:0", "DATABASE_PATH": str(folder / "errors.db"), "API_KEY": KEY}
    return subprocess.run(
        [binary("error-tracker")],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_mail_api_without_a_sender_is_refused_at_start(tmp_path: Path) -> None:
    refused = start_with(tmp_path, POSTMARK_API_TOKEN="pm-secret-4711", ALERT_EMAILS="ops@example.com")
    assert refused.returncode != 0
    assert "POSTMARK_FROM_EMAIL" in refused.stderr
    assert "pm-secret-4711" not in refused.stderr + refused.stdout


def test_a_mail_api_with_a_sender_is_a_way_out_for_mail(start_tracker: StartTracker) -> None:
    # No test is sent: it would leave for the real one.
    account = {"POSTMARK_API_TOKEN": "pm-secret-4711", "POSTMARK_FROM_EMAIL": "errors@example.com"}
    tracker = start_tracker(**account)
    answer = tracker.post("/api/test-alert")
    assert answer.status_code == 503
    assert "ALERT_EMAILS" in answer.json()["detail"]
    assert "pm-secret-4711" not in tracker.log
