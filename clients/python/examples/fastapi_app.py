"""A shop's API in FastAPI, watched: `uvicorn fastapi_app:app --app-dir clients/python/examples`.

Where the services are and with which key, the environment says: see the README beside.
"""

import logging

import httpx
from fastapi import FastAPI, Request

import monlight

monlight.init(
    project="shop-api",
    environment="demo",
    release="shop-api@1.4.0",
    with_local_variables=True,
    consumers=True,
)

log = logging.getLogger("shop.api")
log.setLevel(logging.INFO)
app = FastAPI()
PRICES = {"mug": 9, "tea": 4}


@app.get("/products/{sku}")
async def product(sku: str) -> dict[str, int]:
    return {"price": PRICES.get(sku, 5)}


@app.post("/orders/{sku}")
async def order(sku: str, request: Request) -> dict[str, str]:
    monlight.set_user({"id": request.headers.get("x-user-id", "guest")})
    monlight.set_tag("sku", sku)
    log.info("order of %s", sku, extra={"sku": sku})
    price = PRICES[sku]
    return {"total": str(price)}


@app.get("/suppliers")
async def suppliers() -> dict[str, str]:
    try:
        async with httpx.AsyncClient(timeout=1.0) as client:
            await client.get("http://127.0.0.1:9/suppliers/17/stock")
    except httpx.HTTPError:
        # Handled, and yet worth knowing.
        monlight.capture_exception(level="warning", fingerprint=["suppliers"])
    return {"stock": "unknown"}
