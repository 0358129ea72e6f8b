"""Order confirmations by mail."""

import smtplib
from email.message import EmailMessage

MAIL_SERVER = ("127.0.0.1", 9)


def confirm(address: str, order_id: int) -> None:
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = f"Your order {order_id}"
    message.set_content("Thank you!")
    deliver(message)


def deliver(message: EmailMessage) -> None:
    with smtplib.SMTP(*MAIL_SERVER, timeout=2) as server:
        server.send_message(message)


def greeting(name: str) -> bytes:
    """For the label printer, which knows no Unicode."""
    return f"Dear {name},".encode("latin-1")
