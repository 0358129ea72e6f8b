"""Mail servers that are down, slow, or refuse; a tracker that is stopped meanwhile. Each mail arrives, and once.

A mail that failed is tried again after 5 s, then after 15 s: the longest waits here.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable

import pytest

from mail_server import MailServer
from tracker import Tracker
from waiting import eventually

StartTracker = Callable[..., Tracker]
MakeMailServer = Callable[..., MailServer]

RETRY_TIMEOUT = 60.0
TEST_SUBJECT = "[error-tracker] SMTP test alert"


def new_error(tracker: Tracker, number: int) -> str:
    """Reports one and returns the subject of its mail."""
    group_id = tracker.report(exception_type=f"E{number}", message="m")["id"]
    return f"[shop] E{number}: m (#{group_id})"


def check_nothing_more(tracker: Tracker, server: MailServer) -> None:
    """Nothing waits for its time, and a test mail is the next to arrive."""
    eventually(lambda: tracker.n_mails_waiting() == 0, "no mail waits")
    tracker.post("/api/test-alert")
    assert server.next_mail(RETRY_TIMEOUT).subject == TEST_SUBJECT


def test_mails_arrive_once_after_the_server_is_back(
    start_tracker: StartTracker, make_mail_server: MakeMailServer
) -> None:
    server = make_mail_server()
    tracker = start_tracker(**server.settings())
    subjects = [new_error(tracker, number) for number in range(3)]
    for number in (1, 2, 3):
        tracker.wait_for_log(f"mail {number} was not delivered")

    server.start()
    assert sorted(server.next_mail(RETRY_TIMEOUT).subject for _ in subjects) == subjects
    check_nothing_more(tracker, server)


def test_a_server_that_says_later_is_asked_again(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    mail_server.answers.append("451 4.7.1 greylisted, come again")
    tracker = start_tracker(**mail_server.settings())
    subject = new_error(tracker, 1)
    assert "greylisted, come again" in tracker.wait_for_log("mail 1 was not delivered.*").group()
    mail = mail_server.next_mail(RETRY_TIMEOUT)
    assert mail.subject == subject
    check_nothing_more(tracker, mail_server)


def test_a_refused_recipient_does_not_cost_the_other_a_mail_nor_bring_a_second(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    mail_server.refused["gone@example.com"] = "450 4.2.1 mailbox busy"
    settings = {**mail_server.settings(), "ALERT_EMAILS": "gone@example.com,ops@example.com"}
    tracker = start_tracker(**settings)
    subject = new_error(tracker, 1)
    mail = mail_server.next_mail()
    assert (mail.recipients, mail.subject) == (["ops@example.com"], subject)

    tracker.wait_for_log("mailbox busy")
    mail_server.refused.clear()
    mail = mail_server.next_mail(RETRY_TIMEOUT)
    assert (mail.recipients, mail.subject) == (["gone@example.com"], subject)
    tracker.post("/api/test-alert")
    assert {mail_server.next_mail().subject, mail_server.next_mail().subject} == {TEST_SUBJECT}


def test_a_hung_server_delays_no_request_and_is_given_up(
    start_tracker: StartTracker, make_mail_server: MakeMailServer
) -> None:
    server = make_mail_server()
    server.is_hung = True
    server.start()
    tracker = start_tracker(**server.settings())
    subjects = [new_error(tracker, 0)]
    server.wait_for_connection()

    for number in range(1, 20):
        began = time.monotonic()
        new_error(tracker, number)
        # It is given up after 15 s.
        assert time.monotonic() - began < 10, "a request waits for the mail server"

    # It is still connected and still silent.
    tracker.wait_for_log("mail 1 was not delivered", timeout=RETRY_TIMEOUT)
    server.is_hung = False
    server.stop()
    server.start()
    # So many at once are one mail.
    subjects.append("[Monlight] 19 new errors in shop")
    received = sorted(server.next_mail(RETRY_TIMEOUT).subject for _ in subjects)
    assert received == sorted(subjects)
    check_nothing_more(tracker, server)


def test_a_server_that_hangs_after_it_took_a_mail_gets_it_once(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    mail_server.hangs_at_quit = True
    tracker = start_tracker(**mail_server.settings())
    subjects = [new_error(tracker, number) for number in range(2)]
    assert [mail_server.next_mail(RETRY_TIMEOUT).subject for _ in subjects] == subjects
    check_nothing_more(tracker, mail_server)
    assert "was not delivered" not in tracker.log


def test_a_mail_goes_out_once_though_the_database_takes_no_writes_for_a_while(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    tracker = start_tracker(**mail_server.settings())
    foreign = sqlite3.connect(tracker.database, isolation_level=None, check_same_thread=False)
    with contextlib.closing(foreign):
        # The database is locked from when the mail has arrived until its tracker could not note that.
        mail_server.before_taking = lambda: foreign.execute("begin immediate")
        subject = new_error(tracker, 1)
        assert mail_server.next_mail().subject == subject
        mail_server.before_taking = lambda: None
        tracker.wait_for_log("mail 1 is delivered, which cannot be stored yet")
    check_nothing_more(tracker, mail_server)


@pytest.mark.parametrize("is_crash", [False, True], ids=["stopped", "killed"])
def test_mails_that_wait_survive_the_process(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, is_crash: bool
) -> None:
    server = make_mail_server()
    tracker = start_tracker(**server.settings())
    subjects = [new_error(tracker, number) for number in range(2)]
    tracker.wait_for_log("mail 2 was not delivered")
    if is_crash:
        tracker.kill()
    else:
        tracker.stop()

    server.start()
    tracker.start()
    assert sorted(server.next_mail(RETRY_TIMEOUT).subject for _ in subjects) == subjects
    check_nothing_more(tracker, server)


def test_a_hung_server_does_not_keep_the_process_from_ending(
    start_tracker: StartTracker, make_mail_server: MakeMailServer
) -> None:
    server = make_mail_server()
    server.is_hung = True
    server.start()
    tracker = start_tracker(**server.settings())
    subject = new_error(tracker, 1)
    server.wait_for_connection()
    began = time.monotonic()
    tracker.stop()
    assert time.monotonic() - began < 8

    server.is_hung = False
    tracker.start()
    assert server.next_mail(RETRY_TIMEOUT).subject == subject
    check_nothing_more(tracker, server)
