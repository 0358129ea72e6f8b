"""Stock, in a database that does not let it go below zero."""

import sqlite3

from shop.catalogue import PRODUCTS


class OutOfStock(Exception):
    """Fewer are left than were asked for."""


def database(path: str = ":memory:", timeout: float = 0) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    connection.execute(
        "create table if not exists stock (sku text primary key, n integer not null check (n >= 0))"
    )
    connection.executemany("insert or ignore into stock values (?, 2)", [(sku,) for sku in PRODUCTS])
    return connection


def reserve(connection: sqlite3.Connection, sku: str, n: int) -> None:
    try:
        connection.execute("update stock set n = n - ? where sku = ?", (n, sku))
    except sqlite3.IntegrityError as cause:
        [(left,)] = connection.execute("select n from stock where sku = ?", (sku,))
        raise OutOfStock(f"{n} of {sku} wanted, {left} left") from cause


def count_again(path: str) -> None:
    """The nightly count, while a long transaction of the importer holds the database."""
    importer = database(path)
    counter = database(path)
    importer.execute("begin immediate")
    try:
        counter.execute("update stock set n = n + 1")
    finally:
        importer.close()
        counter.close()
