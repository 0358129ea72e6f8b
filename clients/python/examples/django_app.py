"""A shop's blog in Django, in one file, watched: `python clients/python/examples/django_app.py runserver`."""

import logging
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path

import monlight

monlight.init(project="blog", environment="demo", release="blog@2.0.1", consumers=True)

log = logging.getLogger("shop.blog")
log.setLevel(logging.INFO)
POSTS = {1: "Tea", 2: "Mugs"}


def post(request: HttpRequest, number: int) -> JsonResponse:
    if number not in POSTS:
        raise Http404
    log.info("post %d read", number)
    return JsonResponse({"title": POSTS[number]})


def feed(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"titles": [POSTS[number] for number in range(len(POSTS))]})


urlpatterns = [path("posts/<int:number>/", post), path("feed/", feed)]

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="of-the-demo", DEBUG=False)
django.setup()
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
