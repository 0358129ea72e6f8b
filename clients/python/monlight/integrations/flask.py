"""Watches every Flask app of the process."""

from __future__ import annotations

from typing import Any

from monlight.integrations import wsgi
from monlight.integrations.patching import on_restore, replace
from monlight.observer import Observer


def install(observer: Observer) -> None:
    """Every call of an app goes through `wsgi.watch`; what it answers 500 for is told by its signal."""
    from flask import Flask, request
    from flask.signals import got_request_exception

    def make(original: Any) -> Any:
        def call(self: Flask, environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Any:
            def app(environ: wsgi.Environ, start_response: wsgi.StartResponse) -> Any:
                return original(self, environ, start_response)

            return wsgi.watch(app, observer, wsgi.flask_route, environ, start_response)

        return call

    def on_exception(_sender: object, exception: BaseException, **_: object) -> None:
        rule = request.url_rule.rule if request.url_rule else request.path
        observer.failed(exception, f"{request.method} {rule}")

    replace(Flask, "__call__", make)
    got_request_exception.connect(on_exception, weak=False)
    on_restore(lambda: got_request_exception.disconnect(on_exception))
