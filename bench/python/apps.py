"""The apps that `overhead.py` loads: one small route each, as most requests of an API are."""

import os

if os.environ.get("WATCHED"):
    import monlight

    monlight.init(consumers=bool(os.environ.get("CONSUMERS")))

from fastapi import FastAPI
from flask import Flask

fast = FastAPI()
flask = Flask(__name__)


@fast.get("/users/{user_id}")
async def user(user_id: int) -> dict[str, int]:
    return {"user_id": user_id}


@flask.get("/users/<int:user_id>")
def flask_user(user_id: int) -> dict[str, int]:
    return {"user_id": user_id}
