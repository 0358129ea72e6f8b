"""Errors of programs that are not in Python: reports as the browser relay and other clients send them."""

import random
from typing import Any

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SHOP = "https://shop.example"

V8 = """TypeError: Cannot read properties of undefined (reading 'total')
    at renderSummary (https://shop.example/assets/checkout.js:214:31)
    at CheckoutPage.render (https://shop.example/assets/checkout.js:98:12)
    at flushSync (https://shop.example/assets/vendor/preact.js:1:10442)
    at async loadCart (https://shop.example/assets/cart.js:57:9)
"""
GECKO = """addToCart@https://shop.example/assets/cart.js:31:18
onClick@https://shop.example/assets/product.js:12:5
EventListener.handleEvent*mount@https://shop.example/assets/product.js:40:10
@https://shop.example/assets/main.js:3:1
"""
NODE = """Error: connect ECONNREFUSED 127.0.0.1:6379
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)
    at async RedisQueue.connect (/srv/newsletter/src/queue.js:22:5)
    at async sendBatch (/srv/newsletter/src/send.js:41:3)
    at async Worker.run (/srv/newsletter/node_modules/bullmq/dist/cjs/classes/worker.js:305:28)
"""
JAVA = """com.example.warehouse.PickingException: no route for order 81723
\tat com.example.warehouse.picking.RoutePlanner.plan(RoutePlanner.java:88)
\tat com.example.warehouse.picking.PickingService.start(PickingService.java:41)
\tat jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)
\tat java.base/java.lang.Thread.run(Thread.java:1583)
Caused by: java.lang.NullPointerException: Cannot invoke "com.example.warehouse.Shelf.position()" because "shelf" is null
\tat com.example.warehouse.picking.RoutePlanner.distance(RoutePlanner.java:131)
\tat com.example.warehouse.picking.RoutePlanner.plan(RoutePlanner.java:79)
\t... 2 more
"""


WEB_RELEASES = ["web@2026.10.7", "web@2026.11.1", "web@2026.11.2", "web@2026.11.2"]


def v8(chance: random.Random) -> dict[str, Any]:
    return browser(chance, "TypeError", V8.splitlines()[0].partition(": ")[2], V8, "/checkout", CHROME)


def gecko(chance: random.Random) -> dict[str, Any]:
    message = 'can\'t access property "items", this.cart is undefined'
    return browser(chance, "TypeError", message, GECKO, "/products/MUG-BLUE-L", FIREFOX)


def network(chance: random.Random) -> dict[str, Any]:
    message = "GET https://api.shop.example/v1/recommendations/{id} failed with status 502"
    stack = f"Error: {message}\n    at window.fetch (https://shop.example/assets/monlight.js:2:4410)\n"
    report = browser(chance, "Error", message, stack, "/", chance.choice([CHROME, FIREFOX]))
    report["extra"]["type"] = "NetworkError"
    return report


def browser(
    chance: random.Random, exception_type: str, message: str, stack: str, path: str, user_agent: str
) -> dict[str, Any]:
    return {
        "project": "shop-web",
        "environment": chance.choice(["production"] * 9 + ["staging"]),
        "exception_type": exception_type,
        "message": message,
        "traceback": stack,
        "request_method": "BROWSER",
        "request_url": SHOP + path,
        "user_id": f"u-{chance.randrange(100, 160)}",
        "release": chance.choice(WEB_RELEASES),
        "tags": {"browser": "Firefox" if "Firefox" in user_agent else "Chrome", "path": path},
        "extra": {
            "page_url": SHOP + path,
            "user_agent": user_agent,
            "session_id": f"{chance.randrange(12):08x}-5ee1-4c0d-9a1f-0f1e2d3c4b5a",
        },
    }


def node(chance: random.Random) -> dict[str, Any]:
    return {
        "project": "newsletter",
        "environment": "staging",
        "exception_type": "Error",
        "message": "connect ECONNREFUSED 127.0.0.1:6379",
        "traceback": NODE,
        "extra": {"batch": chance.randrange(1, 40), "node": "v22.11.0"},
    }


def java(chance: random.Random) -> dict[str, Any]:
    order = chance.randrange(80_000, 90_000)
    return {
        "project": "warehouse",
        "environment": "production",
        "exception_type": "com.example.warehouse.PickingException",
        "message": f"no route for order {order}",
        "traceback": JAVA.replace("81723", str(order)),
        "release": "warehouse@4.7.0",
        "level": "fatal",
        "tags": {"hall": chance.choice("ABC")},
        "extra": {"order": order, "hall": chance.choice("ABC")},
    }
