"""Products and the tree of their categories."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass
class Product:
    sku: str
    title: str
    price: Decimal
    category: str


PRODUCTS = {
    product.sku: product
    for product in [
        Product("MUG-BLUE-L", "Blue mug, large", Decimal("12.50"), "mugs"),
        Product("MUG-RED-S", "Red mug, small", Decimal("9.90"), "mugs"),
        Product("TEA-ASSAM-250", "Assam, 250 g", Decimal("7.40"), "tea"),
        Product("POT-IRON-1L", "Iron teapot, 1 l", Decimal("64.00"), "pots"),
    ]
}

PARENTS = {"mugs": "tableware", "tableware": "kitchen", "pots": "kitchen", "kitchen": "home", "home": "mugs"}
"""Somebody filed the home under the mugs."""


def find(sku: str) -> Product | None:
    return PRODUCTS.get(sku)


def price_of(sku: str) -> Decimal:
    return find(sku).price


def breadcrumbs(category: str) -> list[str]:
    parent = PARENTS.get(category)
    if parent is None:
        return [category]
    return [*breadcrumbs(parent), category]
