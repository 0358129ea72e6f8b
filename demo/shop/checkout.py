"""From a cart to an order."""

from decimal import Decimal
from typing import Any

from shop import catalogue, inventory, payment


def place_order(cart: dict[str, Any]) -> None:
    total = sum_of(cart["lines"])
    address = shipping_address(cart)
    stock = inventory.database()
    for line in cart["lines"]:
        inventory.reserve(stock, line["sku"], line["n"])
    payment.charge(cart["card"], total + shipping_cost(address, total))


def sum_of(lines: list[dict[str, Any]]) -> Decimal:
    return sum((catalogue.price_of(line["sku"]) * line["n"] for line in lines), Decimal(0))


def shipping_address(cart: dict[str, Any]) -> dict[str, str]:
    customer = cart["customer"]
    return customer["addresses"]["shipping"]


def shipping_cost(address: dict[str, str], total: Decimal) -> Decimal:
    return Decimal("4.90") if address["country"] == "DE" and total < 50 else Decimal(0)


def discount_share(cents: int, lines: list[dict[str, Any]]) -> float:
    """What each item is cheaper by."""
    return cents / sum(line["n"] for line in lines)
