"""Payment by card, through a gateway that is not there."""

from decimal import Decimal, InvalidOperation

import httpx

GATEWAY = "http://127.0.0.1:9/v2/charges"
"""The discard port: nobody listens."""


class GatewayUnavailable(Exception):
    """The customer may try again."""


class CardDeclined(Exception):
    """The bank said no."""


def charge(card: str, amount: Decimal) -> None:
    if card.endswith("0002"):
        raise CardDeclined(
            f"card ending in {card[-4:]} was declined\nbank code: 05 (do not honour)\namount: {amount} EUR"
        )
    try:
        httpx.post(GATEWAY, json={"card": card[-4:], "amount": str(amount)}, timeout=2)
    except httpx.ConnectError as cause:
        raise GatewayUnavailable(f"charge of {amount} EUR not made") from cause


def parse_amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # The comma of half of Europe.
        return Decimal(text.replace(".", "").replace(",", ".").removesuffix("€"))
