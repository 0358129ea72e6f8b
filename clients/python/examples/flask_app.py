"""A shop's back office in Flask, watched: `flask --app clients/python/examples/flask_app run`."""

import logging

from flask import Flask, request

import monlight

monlight.init(project="back-office", environment="demo", release="back-office@0.9.2", consumers=True)

log = logging.getLogger("shop.office")
log.setLevel(logging.INFO)
app = Flask(__name__)


@app.get("/invoices/<int:number>")
def invoice(number: int) -> dict[str, int]:
    return {"number": number, "total": number * 7}


@app.get("/reports/<month>")
def report(month: str) -> dict[str, float]:
    monlight.set_user(request.headers.get("X-User-ID"))
    log.warning("the report of %s is slow", month)
    turnover, n_orders = 1200, 0
    return {"average": turnover / n_orders}
