"""What a mail says, who gets it, and when there is none."""

from collections.abc import Callable

import pytest

from mail_server import MailServer
from tracker import Tracker
from waiting import eventually

StartTracker = Callable[..., Tracker]

TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/pay.py", line 31, in charge
    gateway.charge(card, amount)
ValueError: bad amount <12>
"""
TEST_SUBJECT = "[error-tracker] SMTP test alert"


def test_a_new_error_is_told_to_everybody(start_tracker: StartTracker, mail_server: MailServer) -> None:
    settings = {
        **mail_server.settings(),
        "ALERT_EMAILS": "ops@example.com , dev@example.com",
        "BASE_URL": "https://mon.example.com/errors-of/",
    }
    tracker = start_tracker(**settings)
    filed = tracker.report(
        environment="prod",
        message="bad amount <12>",
        traceback=TRACEBACK,
        request_method="POST",
        request_url="https://shop.example/pay?a=1&b=2",
    )

    mails = [mail_server.next_mail(), mail_server.next_mail()]
    assert sorted(mail.recipients for mail in mails) == [["dev@example.com"], ["ops@example.com"]]
    for mail in mails:
        assert mail.sender == "errors@monlight.test"
        assert mail.message["From"] == "Monlight <errors@monlight.test>"
        assert mail.message["To"] == mail.recipients[0]
        assert mail.subject == f"[shop] ValueError: bad amount <12> (#{filed['id']})"
        assert mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["Date"].datetime
        assert mail.message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]
        link = f"https://mon.example.com/errors-of/errors/{filed['id']}"
        for words in [
            "new error in shop (prod)",
            "ValueError: bad amount <12>",
            "POST https://shop.example/pay?a=1&b=2",
            link,
            TRACEBACK.rstrip(),
        ]:
            assert words in mail.plain.replace("\r\n", "\n"), words
        assert f'href="{link}"' in mail.html
    assert mails[0].message["Message-ID"] != mails[1].message["Message-ID"]


def test_links_lead_to_where_it_listens_without_a_base_url(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    tracker = start_tracker(**mail_server.settings())
    tracker.report()
    assert f"{tracker.url}/errors/1" in mail_server.next_mail().plain


def test_an_error_is_told_once_until_it_is_resolved_and_comes_back(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    tracker = start_tracker(**mail_server.settings())
    group_id = tracker.report()["id"]
    assert mail_server.next_mail().subject == f"[shop] ValueError: bad amount (#{group_id})"

    for _ in range(3):
        assert tracker.report()["status"] == "incremented"
    tracker.resolve(group_id)
    assert tracker.report(message="bad again")["status"] == "reopened"

    mail = mail_server.next_mail()
    assert mail.subject == f"[shop] Reopened: ValueError: bad again (#{group_id})"
    assert "A resolved error is back in shop" in mail.plain
    assert "A resolved error is back in" in mail.html
    no_more_mails(tracker, mail_server)


def no_more_mails(tracker: Tracker, mail_server: MailServer) -> None:
    """None waits, and the next one is the test mail."""
    eventually(lambda: tracker.n_mails_waiting() == 0, "no mail waits")
    assert tracker.post("/api/test-alert").status_code == 202
    assert mail_server.next_mail().subject == TEST_SUBJECT


def test_the_test_button_sends_a_test_mail_to_everybody(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    settings = {**mail_server.settings(), "ALERT_EMAILS": "ops@example.com,dev@example.com"}
    answer = start_tracker(**settings).post("/api/test-alert")
    assert answer.status_code == 202
    assert answer.json() == {
        "status": "test alert dispatched",
        "detail": "Check service logs for SMTP transaction result",
    }
    mails = [mail_server.next_mail(), mail_server.next_mail()]
    assert sorted(mail.recipients for mail in mails) == [["dev@example.com"], ["ops@example.com"]]
    assert {mail.subject for mail in mails} == {TEST_SUBJECT}
    assert {mail.plain.strip() for mail in mails} == {
        "This is a test. Mails of new and reopened errors will come this way."
    }


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "SMTP_HOST"),
        ({"ALERT_EMAILS": "ops@example.com"}, "SMTP_HOST"),
        ({"SMTP_HOST": "localhost"}, "ALERT_EMAILS"),
    ],
)
def test_the_test_button_says_what_is_not_set(
    start_tracker: StartTracker, variables: dict[str, str], missing: str
) -> None:
    tracker = start_tracker(**variables)
    answer = tracker.post("/api/test-alert")
    assert answer.status_code == 503
    assert answer.json() == {"detail": f"SMTP not configured: {missing} is not set"}
    assert tracker.report()["status"] == "created"


def test_a_subject_in_any_script_arrives(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    message = "žluťoučký kůň 支払いエラー ☃ 🛒 " * 3
    tracker.report(project="обувь", exception_type="Fehlerßuche", message=message)
    mail = mail_server.next_mail()
    assert mail.raw.isascii(), "an old server without 8BITMIME must be able to take it"
    assert mail.subject == f"[обувь] Fehlerßuche: {message[:80]} (#1)"
    assert message.strip() in mail.plain
    assert message.strip() in mail.html


def test_a_long_traceback_is_cut_and_says_so(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    tracker.report(message="m" * 100_000, traceback="x" * 5000 + "\n" + "é" * 50_000)
    mail = mail_server.next_mail()
    assert mail.subject == f"[shop] ValueError: {'m' * 80} (#1)"
    for part in (mail.plain, mail.html):
        assert "[traceback truncated]" in part
        assert "x" * 5000 + "\n" + "é" * 3000 in part.replace("\r\n", "\n")
    assert len(mail.raw) < 250_000
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
