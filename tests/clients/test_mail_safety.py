"""What hostile text in a report cannot do to a mail: no header, recipient, second mail, markup or link of its own."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest

from mail_server import Mail, MailServer
from tracker import Tracker
from waiting import eventually

StartTracker = Callable[..., Tracker]

FIELDS = [
    "project",
    "environment",
    "exception_type",
    "message",
    "traceback",
    "request_method",
    "request_url",
]
HEADERS = {
    "from",
    "to",
    "subject",
    "message-id",
    "auto-submitted",
    "mime-version",
    "date",
    "content-type",
}
LINE_BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00\r\n"]
INJECTIONS = [
    *(f"x{end}Bcc: evil@example.com{end}{end}body" for end in LINE_BREAKS),
    *(
        f"x{end}.{end}MAIL FROM:<evil@example.com>{end}RCPT TO:<victim@example.com>{end}DATA{end}hi{end}.{end}"
        for end in ["\r\n", "\n", "\r"]
    ),
    "x\r\n.\nMAIL FROM:<evil@example.com>",
    "x\n.\r\nMAIL FROM:<evil@example.com>",
    "=?utf-8?q?x=0D=0ABcc:_evil@example.com?=",
    "--boundary--\r\nContent-Type: text/html\r\n\r\n<h1>mine</h1>",
]
MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</pre></div><iframe src=javascript:alert(1)>",
    '" style="position:fixed" onmouseover="alert(1)',
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;&#60;b&#62;",
    "{{7*7}}${7*7}#{7*7}<%= 7*7 %>{% raw %}",
    "<!--",
    "]]><x>",
]


class Seen(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def unknown_decl(self, data: str) -> None:
        self.tags.append("declaration")

    def handle_data(self, data: str) -> None:
        self.text += data


def report_each(
    tracker: Tracker, mail_server: MailServer, field: str, payloads: list[str], **fields: str
) -> Iterator[tuple[str, int, Mail]]:
    """Reports one error for each payload in `field`, told by a mail of its own; then payload, group and mail."""
    by = "environment" if field == "project" else "project"
    addresses = tracker.tell_each_by_itself(len(payloads), by)
    # The type makes a group of each; where the payload is the type, it does.
    groups = [
        tracker.report(**{**fields, by: f"{by[0]}{number}", "exception_type": f"E{number}", field: payload})[
            "id"
        ]
        for number, payload in enumerate(payloads)
    ]
    mails = [mail_server.next_mail() for _ in payloads]
    assert sorted(mail.recipients for mail in mails) == sorted([address] for address in addresses)
    by_address = {mail.recipients[0]: mail for mail in mails}
    for payload, group_id, address in zip(payloads, groups, addresses, strict=True):
        yield payload, group_id, by_address[address]


@pytest.mark.parametrize("field", FIELDS)
def test_line_breaks_add_no_header_no_recipient_and_no_mail(
    start_tracker: StartTracker, mail_server: MailServer, field: str
) -> None:
    tracker = start_tracker(**mail_server.settings())
    for payload, _, mail in report_each(tracker, mail_server, field, INJECTIONS):
        assert mail.sender == "errors@monlight.test", payload
        assert {name.lower() for name in mail.message} == HEADERS, payload
        assert len(mail.message.keys()) == len(HEADERS), payload
        assert "\n" not in mail.subject and "\r" not in mail.subject
        assert len(list(mail.message.iter_parts())) == 2, payload
        assert b"\r" not in mail.raw.replace(b"\r\n", b""), "a bare CR is a line end to some servers"
        assert b"\n" not in mail.raw.replace(b"\r\n", b""), "a bare LF is a line end to some servers"
        assert b"\x00" not in mail.raw
        assert "Content-Disposition" not in mail.message
    # Nothing was between.
    eventually(lambda: tracker.n_mails_waiting() == 0, "no mail waits")
    tracker.post("/api/test-alert")
    assert mail_server.next_mail().subject == "[error-tracker] SMTP test alert"
    assert mail_server.transcript.count(b"\r\nMAIL FROM:<evil@example.com>") == mail_server.transcript.count(
        b"\r\nMAIL FROM:<evil@example.com>", mail_server.transcript.find(b"DATA")
    )


@pytest.mark.parametrize("field", FIELDS)
def test_markup_is_text(start_tracker: StartTracker, mail_server: MailServer, field: str) -> None:
    tracker = start_tracker(**mail_server.settings())
    harmless = {"environment": "prod", "request_method": "GET", "request_url": "https://shop.example/"}
    tracker.report(**harmless)
    usual = Seen(mail_server.next_mail().html)
    for payload, group_id, mail in report_each(tracker, mail_server, field, MARKUP, **harmless):
        page = Seen(mail.html)
        assert page.tags == usual.tags, payload
        assert [name for name, _ in page.attributes] == [name for name, _ in usual.attributes], payload
        assert [value for name, value in page.attributes if name == "href"] == [
            f"{tracker.url}/errors/{group_id}"
        ]
        assert payload in page.text, payload
        assert payload in mail.plain, payload


def test_lone_dots_in_a_traceback_arrive(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    traceback = 'File "a.py", line 1, in f\n.\n..\n...\n.x\n\n.\nlast line'
    tracker.report(traceback=traceback)
    mail = mail_server.next_mail()
    for part in (mail.plain, mail.html):
        assert traceback in part.replace("\r\n", "\n").replace("&#34;", '"')


def test_control_characters_are_shown_not_sent(start_tracker: StartTracker, mail_server: MailServer) -> None:
    tracker = start_tracker(**mail_server.settings())
    tracker.report(message="\x1b]0;title\x07red \x1b[31m \x9b31m\x7f", traceback="a\tb\r\nc\x08\x00d")
    mail = mail_server.next_mail()
    for part in (mail.plain, mail.html):
        words = part.replace("\r\n", "\n")
        assert "␛]0;title␇red ␛[31m" in words
        assert "a\tb\nc␈␀d" in words
        assert not [c for c in words if ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160]
