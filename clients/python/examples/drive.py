"""Sends a shop's worth of requests to each of the three apps here, in one process each: part of `make demo`."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import monlight

HERE = Path(__file__).parent
N_REQUESTS = 60
USERS = ["4711", "4712", "4713"]


def visits(*weighted: tuple[str, int]) -> list[str]:
    """Paths in a random but repeatable order."""
    paths, weights = zip(*weighted, strict=True)
    return random.Random(7).choices(paths, weights, k=N_REQUESTS)


def drive_fastapi() -> None:
    import httpx
    from fastapi_app import app

    async def run() -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            for number, path in enumerate(
                visits(("/products/mug", 9), ("/orders/mug", 3), ("/orders/pot", 1), ("/suppliers", 1))
            ):
                method = "POST" if path.startswith("/orders") else "GET"
                await client.request(method, path, headers={"X-User-ID": USERS[number % 3]})

    asyncio.run(run())


def drive_flask() -> None:
    from flask_app import app

    browser = app.test_client()
    for number, path in enumerate(visits(("/invoices/17", 9), ("/invoices/18", 5), ("/reports/may", 1))):
        browser.get(path, headers={"X-User-ID": USERS[number % 3]})


def drive_django() -> None:
    import django_app
    from django.test import Client

    browser = Client(raise_request_exception=False)
    assert django_app.application
    for path in visits(("/posts/1/", 9), ("/posts/2/", 4), ("/posts/9/", 2), ("/feed/", 1)):
        browser.get(path)


APPS = {"fastapi": drive_fastapi, "flask": drive_flask, "django": drive_django}


def main() -> None:
    if len(sys.argv) > 1:
        APPS[sys.argv[1]]()
        if not monlight.flush():
            sys.exit("not everything could be sent; do the services run?")
        return
    for name in APPS:
        # Frameworks print what goes wrong, which is what the demo is for.
        subprocess.run([sys.executable, HERE / "drive.py", name], check=True, stderr=subprocess.DEVNULL)
        print(f"{name}: {N_REQUESTS} requests")


if __name__ == "__main__":
    main()
