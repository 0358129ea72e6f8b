"""What suppliers send: stock levels as JSON, price lists as text in whatever encoding."""

import asyncio
import json
from decimal import Decimal

from shop.payment import parse_amount


class FeedRejected(Exception):
    """A supplier's feed could not be used."""


def read_stock_level(body: str) -> int:
    return json.loads(body)["level"]


def read_price_list(supplier: str, raw: bytes) -> dict[str, Decimal]:
    try:
        lines = raw.decode().splitlines()
        return {sku: parse_amount(price) for sku, price in (line.split(";") for line in lines)}
    except (UnicodeDecodeError, ValueError, ArithmeticError):
        # Whatever it was: the buyer must know which supplier to call.
        raise FeedRejected(f"price list of {supplier} is not usable")


async def nightly_import(feeds: dict[str, bytes]) -> None:
    """All suppliers at once; each failure is kept."""

    async def one(supplier: str, raw: bytes) -> None:
        await asyncio.sleep(0)
        read_price_list(supplier, raw)

    async with asyncio.TaskGroup() as group:
        for supplier, raw in feeds.items():
            group.create_task(one(supplier, raw))
