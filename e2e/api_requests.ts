// API requests to tell of, and how: an hour of a shop whose figures are known.

import assert from "node:assert/strict";

import { KEY, type Stack } from "./stack.ts";

/** As Malti's clients and our own tell of it. */
export type ApiRequest = {
  service: string;
  node: string;
  method: string;
  endpoint: string;
  status: number;
  response_time: number;
  consumer: string;
  context: string | null;
  created_at: string;
};

export async function tellRequests(stack: Stack, requests: ApiRequest[]): Promise<void> {
  const answer = await fetch(stack.url("metrics", "api/v1/ingest"), {
    method: "POST",
    headers: { "X-API-Key": KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ requests }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.equal(((await answer.json()) as { count: number }).count, requests.length);
}

const MINUTE_MS = 60_000;

/** Six requests in each of the last sixty minutes, oldest first: of six orders one fails, and the partner fails often. */
export function anHour(): ApiRequest[] {
  const now = Date.now();
  return Array.from({ length: 60 }, (_, n) => minute(n, new Date(now - (60 - n) * MINUTE_MS))).flat();
}

function minute(n: number, at: Date): ApiRequest[] {
  const of = (method: string, endpoint: string, response_time: number, changes: Partial<ApiRequest> = {}): ApiRequest => ({
    service: "shop-api",
    node: n % 2 ? "web-1" : "web-2",
    method,
    endpoint,
    status: 200,
    response_time: response_time + (n % 7) * 3,
    consumer: "web",
    context: null,
    created_at: at.toISOString(),
    ...changes,
  });
  return [
    of("GET", "/products/{sku}", 20),
    of("GET", "/products/{sku}", 24),
    of("GET", "/products/{sku}", 35, { consumer: "ios" }),
    of("POST", "/orders/{sku}", 180),
    of("POST", "/orders/{sku}", 150, { consumer: "partner", status: n % 3 ? 200 : 500 }),
    of("GET", "/suppliers", 900, { consumer: "batch" }),
  ];
}
