"""A real SMTP server (aiosmtpd) on a thread of its own: keeps what it takes, and misbehaves when told to."""

import asyncio
import email
import email.policy
import queue
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from ports import free_ports

from waiting import PATIENCE

TAKEN = "250 taken"


@dataclass
class Mail:
    """One message as the server took it."""

    sender: str
    recipients: list[str]
    raw: bytes
    is_encrypted: bool
    user: bytes | None
    message: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)  # type: ignore[assignment]

    @property
    def subject(self) -> str:
        return self.message["Subject"]

    @property
    def plain(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part, f"no {kind} part"
        return part.get_content()


class MailServer:
    """Listens on `port` from `start` to `stop`; what it was told stays."""

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        implicit_tls: ssl.SSLContext | None = None,
        accounts: dict[bytes, bytes] | None = None,
        is_login_required: bool = False,
        offers_login_in_clear: bool = False,
    ) -> None:
        self.answers: deque[str] = deque()
        """Given to the next messages in place of `250`, one each."""
        self.refused: dict[str, str] = {}
        """Answers to recipients that are not welcome."""
        self.before_taking: Callable[[], object] = lambda: None
        """Called when a message is here whole and its sender waits for the answer."""
        self.is_hung = False
        """Takes connections and says nothing."""
        self.hangs_at_quit = False
        """Says nothing any more once it took a message."""
        self.transcript = bytearray()
        """All that clients sent in the clear, connection after connection."""
        self.n_connections = 0
        self._connected = threading.Condition()
        self._mails: queue.Queue[Mail] = queue.Queue()
        self._implicit_tls = implicit_tls
        self._accounts = accounts or {}
        self._options: dict[str, Any] = {
            "tls_context": starttls,
            "require_starttls": starttls is not None,
            "authenticator": self._authenticate,
            "auth_required": is_login_required,
            # With TLS from the first byte aiosmtpd sees none of it.
            "auth_require_tls": not (offers_login_in_clear or implicit_tls),
            "hostname": "mail.test",
        }
        [self.port] = free_ports(1)

    def settings(self) -> dict[str, object]:
        """The variables that lead a tracker here."""
        return {
            "SMTP_HOST": "localhost",
            "SMTP_PORT": self.port,
            "SMTP_FROM": "Monlight <errors@monlight.test>",
            "ALERT_EMAILS": "ops@example.com",
        }

    def start(self) -> "MailServer":
        listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)), daemon=True)
        self._thread.start()
        assert listening.wait(PATIENCE), "the mail server did not start"
        return self

    def stop(self) -> None:
        """Closes all connections; the port is free afterwards."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(PATIENCE)

    def is_running(self) -> bool:
        return hasattr(self, "_thread") and self._thread.is_alive()

    def next_mail(self, timeout: float = PATIENCE) -> Mail:
        try:
            return self._mails.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no mail within {timeout:.0f} s") from None

    def wait_for_connection(self, number: int = 1) -> None:
        """Returns once that many clients have come."""
        with self._connected:
            assert self._connected.wait_for(lambda: self.n_connections >= number, PATIENCE), "nobody came"

    async def _serve(self, listening: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._open: set[asyncio.BaseTransport] = set()
        server = await self._loop.create_server(
            self._connection, "127.0.0.1", self.port, ssl=self._implicit_tls, reuse_address=True
        )
        listening.set()
        await self._stopped.wait()
        server.close()
        for transport in list(self._open):
            transport.abort()  # type: ignore[attr-defined]

    def _connection(self) -> asyncio.Protocol:
        if self.is_hung:
            return _Silence(self)
        return _Recorded(self, self, loop=self._loop, **self._options)

    def came(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(transport)
        with self._connected:
            self.n_connections += 1
            self._connected.notify_all()

    def went(self, transport: asyncio.BaseTransport | None) -> None:
        self._open.discard(transport)  # type: ignore[arg-type]

    def _authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any
    ) -> AuthResult:
        is_known = isinstance(login, LoginPassword) and self._accounts.get(login.login) == login.password
        return AuthResult(success=is_known, handled=False, auth_data=login)

    # The names are aiosmtpd's.

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 welcome"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.popleft()
        self.before_taking()
        login = session.auth_data
        self._mails.put(
            Mail(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                raw=envelope.content,
                is_encrypted=session.ssl is not None or self._implicit_tls is not None,
                user=login.login if login else None,
            )
        )
        return TAKEN

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:
        if self.hangs_at_quit:
            await self._stopped.wait()
        return "221 bye"


class _Recorded(SMTP):
    """Keeps what came before TLS."""

    def __init__(self, owner: MailServer, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._owner.came(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.went(self.transport)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.session is None or self.session.ssl is None:
            self._owner.transcript += data
        super().data_received(data)


class _Silence(asyncio.Protocol):
    def __init__(self, owner: MailServer) -> None:
        self._owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._owner.came(transport)
