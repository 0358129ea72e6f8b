"""Files for the book-keepers."""

from pathlib import Path

FOLDER = Path("/srv/exports-of-the-shop")


def write_orders(day: str, n_orders: int) -> None:
    with (FOLDER / f"orders-{day}.csv").open("w") as file:
        file.write(f"{day};{n_orders}\n")
