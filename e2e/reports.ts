// What the journeys send to POST /api/errors.

import assert from "node:assert/strict";

import { KEY, type Stack } from "./stack.ts";

/** A report as a client sends it. */
export type Report = {
  project: string;
  exception_type: string;
  message: string;
  traceback: string;
  environment?: string;
  request_url?: string;
  request_method?: string;
  request_headers?: Record<string, string>;
  user_id?: string;
  extra?: unknown;
  /** What an event in pieces has besides. */
  [piece: string]: unknown;
};

/** A plain report; `place` is its line, and so decides the group. */
export function report(place: number, over: Partial<Report> = {}): Report {
  return {
    project: "shop",
    exception_type: "ValueError",
    message: `basket ${place} is empty`,
    traceback: [
      "Traceback (most recent call last):",
      // The function tells the groups apart: a line alone would not.
      `  File "/srv/shop/cart.py", line ${place}, in checkout_${place}`,
      "    total(basket)",
      `ValueError: basket ${place} is empty`,
    ].join("\n"),
    environment: "production",
    ...over,
  };
}

/** An exception that another one caused, thrown through calls of a library; from a request of a signed-in user. */
export const CHAINED: Report = {
  project: "shop",
  exception_type: "PriceMissing",
  message: "no price for 'jam'",
  traceback: `Traceback (most recent call last):
  File "/srv/shop/pricing.py", line 7, in price
    return prices[article]
KeyError: 'jam'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/local/lib/python3.11/site-packages/fastapi/routing.py", line 301, in app
    raw_response = await run_endpoint_function(
  File "/usr/local/lib/python3.11/site-packages/fastapi/routing.py", line 212, in run_endpoint_function
    return await dependant.call(**values)
  File "/srv/shop/checkout.py", line 12, in checkout
    return total(basket, prices)
  File "/srv/shop/pricing.py", line 9, in price
    raise PriceMissing(f"no price for {article!r}") from error
shop.pricing.PriceMissing: no price for 'jam'
`,
  environment: "staging",
  request_url: "https://shop.example/checkout?step=3",
  request_method: "POST",
  request_headers: { "User-Agent": "Mozilla/5.0", "X-Request-Id": "req-77" },
  user_id: "user-4711",
  extra: { basket: ["tea", "jam"], total: 12.5 },
};

/** An event in pieces, with all that its page can show. */
export const EVENT = {
  project: "shop",
  platform: "python",
  level: "fatal",
  release: "shop@1.2.0",
  environment: "production",
  server_name: "web-1",
  tags: { region: "eu" },
  user: { id: "u-7", email: "anna@example.com" },
  exception: {
    values: [
      {
        type: "SkuMissing",
        value: "no price for 'sku-7'",
        stacktrace: {
          frames: [
            {
              function: "view",
              module: "shop.cart",
              filename: "shop/cart.py",
              lineno: 40,
              in_app: true,
              context_line: "    return total(cart)",
              pre_context: ["def view(request):"],
              post_context: ["# the end"],
              vars: { cart: { items: [1, 2] } },
            },
          ],
        },
      },
    ],
  },
  breadcrumbs: [{ timestamp: 1795168800, category: "query", message: "SELECT * FROM cart" }],
  contexts: { runtime: { name: "CPython", version: "3.12" } },
};

/** Sends it as a client does. Returns the group's id. */
export async function send(stack: Stack, report: Report | typeof EVENT): Promise<number> {
  const answer = await fetch(stack.url("errors", "api/errors"), {
    method: "POST",
    headers: { "X-API-Key": KEY, "Content-Type": "application/json" },
    body: JSON.stringify(report),
  });
  const body = (await answer.json()) as { id: number };
  assert.ok(answer.ok, `${answer.status} ${JSON.stringify(body)}`);
  return body.id;
}

/** Sends it so many times, some of them at once. */
export async function sendMany(stack: Stack, report: Report, n: number): Promise<void> {
  for (let left = n; left > 0; left -= 25) {
    await Promise.all(Array.from({ length: Math.min(left, 25) }, () => send(stack, report)));
  }
}

/** Asks the API for something to be done, as a program does. */
export async function post(stack: Stack, path: string, body: unknown = {}): Promise<void> {
  const answer = await fetch(stack.url("errors", `api/${path}`), {
    method: "POST",
    headers: { "X-API-Key": KEY, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}
