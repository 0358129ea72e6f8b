"""Django, watched after `init`: WSGI and ASGI."""

import asyncio
from collections import Counter
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.urls import include, path
from receiver import Receiver
from told import calls, counted, reports

import monlight


def user(request: HttpRequest, user_id: int) -> HttpResponse:
    return HttpResponse(str(user_id))


async def user_async(request: HttpRequest, user_id: int) -> HttpResponse:
    return HttpResponse(str(user_id))


def boom(request: HttpRequest, n: int) -> HttpResponse:
    monlight.set_user(n)
    raise ValueError(f"kaput {n}")


urlpatterns = [
    path("users/<int:user_id>/", user),
    path("async/<int:user_id>/", user_async),
    path("shop/", include([path("boom/<int:n>/", boom)])),
]


@pytest.fixture(scope="module", autouse=True)
def configured() -> None:
    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", LOGGING_CONFIG=None, MIDDLEWARE=[]
        )
        django.setup()


def watched(receiver: Receiver, **options: Any) -> monlight.Monlight:
    return monlight.init(
        api_key="k",
        project="shop",
        error_tracker_url=receiver.url,
        metrics_collector_url=receiver.url,
        flush_interval=3600,
        integrations=["django"],
        **options,
    )


def test_requests_are_counted_by_pattern_and_consumer(receiver: Receiver) -> None:
    it = watched(receiver, consumers=True)
    browser = Client(raise_request_exception=False)
    assert browser.get("/users/1/").content == b"1"
    assert browser.get("/users/2/", headers={"X-Consumer-ID": "mobile"}).status_code == 200
    assert browser.get("/nope/").status_code == 404
    assert browser.get("/shop/boom/3/?a=b").status_code == 500
    it.flush()
    assert counted(receiver, "http_requests_total", "endpoint", "status") == Counter(
        {
            ("/users/<int:user_id>/", "200"): 2,
            ("/nope/", "404"): 1,
            ("/shop/boom/<int:n>/", "500"): 1,
        }
    )
    assert [(it["endpoint"], it["consumer"]) for it in calls(receiver)] == [
        ("/users/<int:user_id>/", "anonymous"),
        ("/users/<int:user_id>/", "mobile"),
        ("/shop/boom/<int:n>/", "anonymous"),
    ]
    [report] = reports(receiver)
    assert (report["message"], report["user_id"]) == ("kaput 3", "3")
    assert report["transaction"] == "GET /shop/boom/<int:n>/"
    assert report["request_url"].endswith("/shop/boom/3/?a=b")


def test_both_ways_of_serving_it_are_watched(receiver: Receiver) -> None:
    it = watched(receiver)
    sync_app, async_app = get_wsgi_application(), get_asgi_application()
    assert sync_app.get_response(RequestFactory().get("/users/1/")).status_code == 200

    async def ask() -> None:
        request = AsyncRequestFactory().get("/async/1/")
        assert (await async_app.get_response_async(request)).status_code == 200

    asyncio.run(ask())
    it.flush()
    assert counted(receiver, "http_requests_total", "endpoint") == Counter(
        [("/users/<int:user_id>/",), ("/async/<int:user_id>/",)]
    )
