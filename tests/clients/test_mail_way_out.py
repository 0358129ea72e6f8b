"""How a mail leaves: TLS from the first byte or by STARTTLS, with whom it is trusted, and never a password in the clear."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from mail_server import MailServer
from tracker import Tracker

StartTracker = Callable[..., Tracker]
MakeMailServer = Callable[..., MailServer]

ACCOUNT = {"SMTP_USERNAME": "monlight", "SMTP_PASSWORD": "pa55 wörd"}
ACCOUNTS = {b"monlight": "pa55 wörd".encode()}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """An authority that nobody knows comes first: all in the file count."""
    file = tmp_path / "ca.pem"
    file.write_bytes(trustme.CA().cert_pem.bytes() + authority.cert_pem.bytes())
    return str(file)


@pytest.fixture
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    return certificate_for(authority, "localhost")


def certificate_for(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def check_refused(tracker: Tracker, mail_server: MailServer) -> None:
    """Its mail was tried and nothing of it was sent in the clear."""
    tracker.post("/api/test-alert")
    tracker.wait_for_log("was not delivered")
    for secret in [b"AUTH", b"MAIL FROM", b"ops@example.com", b"SMTP test alert"]:
        assert secret not in mail_server.transcript
    assert "pa55" not in tracker.log


def test_starttls_is_used_where_it_is_offered_and_the_password_goes_through_it(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, certificate: ssl.SSLContext, ca_file: str
) -> None:
    server = make_mail_server(starttls=certificate, accounts=ACCOUNTS, is_login_required=True).start()
    tracker = start_tracker(**server.settings(), **ACCOUNT, SMTP_CA_FILE=ca_file)
    tracker.report()
    mail = server.next_mail()
    assert (mail.is_encrypted, mail.user) == (True, b"monlight")
    assert b"AUTH" not in server.transcript
    assert b"MAIL FROM" not in server.transcript


def test_starttls_without_a_login(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, certificate: ssl.SSLContext, ca_file: str
) -> None:
    server = make_mail_server(starttls=certificate).start()
    start_tracker(**server.settings(), SMTP_CA_FILE=ca_file).report()
    mail = server.next_mail()
    assert (mail.is_encrypted, mail.user) == (True, None)


def test_implicit_tls(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, certificate: ssl.SSLContext, ca_file: str
) -> None:
    server = make_mail_server(implicit_tls=certificate, accounts=ACCOUNTS, is_login_required=True).start()
    tracker = start_tracker(**server.settings(), **ACCOUNT, SMTP_CA_FILE=ca_file, SMTP_TLS="implicit")
    tracker.report()
    mail = server.next_mail()
    assert (mail.is_encrypted, mail.user) == (True, b"monlight")


def test_an_address_in_place_of_a_name_is_checked_too(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, authority: trustme.CA, ca_file: str
) -> None:
    server = make_mail_server(starttls=certificate_for(authority, "127.0.0.1")).start()
    start_tracker(**{**server.settings(), "SMTP_HOST": "127.0.0.1"}, SMTP_CA_FILE=ca_file).report()
    assert server.next_mail().is_encrypted


def test_a_wrong_password_is_no_mail_and_is_not_logged(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, certificate: ssl.SSLContext, ca_file: str
) -> None:
    server = make_mail_server(
        starttls=certificate, accounts={b"monlight": b"another"}, is_login_required=True
    ).start()
    tracker = start_tracker(**server.settings(), **ACCOUNT, SMTP_CA_FILE=ca_file)
    check_refused(tracker, server)
    assert "535" in tracker.log


@pytest.mark.parametrize("tls", ["auto", "starttls", "implicit"])
def test_an_unknown_authority_is_not_trusted(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, certificate: ssl.SSLContext, tls: str
) -> None:
    options = {"implicit_tls" if tls == "implicit" else "starttls": certificate}
    server = make_mail_server(**options).start()
    check_refused(start_tracker(**server.settings(), SMTP_TLS=tls), server)


def test_a_certificate_for_another_name_is_not_trusted(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, authority: trustme.CA, ca_file: str
) -> None:
    server = make_mail_server(starttls=certificate_for(authority, "mail.example.com")).start()
    check_refused(start_tracker(**server.settings(), SMTP_CA_FILE=ca_file), server)


@pytest.mark.parametrize("variables", [ACCOUNT, {"SMTP_TLS": "starttls"}], ids=["password", "SMTP_TLS"])
def test_nothing_is_sent_where_starttls_is_needed_and_not_offered(
    start_tracker: StartTracker, make_mail_server: MakeMailServer, variables: dict[str, str]
) -> None:
    server = make_mail_server(accounts=ACCOUNTS, offers_login_in_clear=True).start()
    check_refused(start_tracker(**server.settings(), **variables), server)


def test_smtp_tls_none_allows_a_password_in_the_clear(
    start_tracker: StartTracker, make_mail_server: MakeMailServer
) -> None:
    server = make_mail_server(accounts=ACCOUNTS, is_login_required=True, offers_login_in_clear=True).start()
    start_tracker(**server.settings(), **ACCOUNT, SMTP_TLS="none").report()
    mail = server.next_mail()
    assert (mail.is_encrypted, mail.user) == (False, b"monlight")


def test_a_ca_file_that_cannot_be_read_is_named_in_the_log(
    start_tracker: StartTracker, mail_server: MailServer
) -> None:
    tracker = start_tracker(**mail_server.settings(), SMTP_CA_FILE="/nowhere/ca.pem", SMTP_TLS="implicit")
    tracker.post("/api/test-alert")
    assert "SMTP_CA_FILE" in tracker.wait_for_log("was not delivered.*").group()
