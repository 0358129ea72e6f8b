// Metrics to send, and how: an app with two endpoints whose last ten minutes are known to the digit.

import assert from "node:assert/strict";

import { KEY, type Stack } from "./stack.ts";

export type Metric = {
  name: string;
  type: "counter" | "gauge" | "histogram";
  value: number;
  timestamp?: number;
  labels?: Record<string, string>;
  project?: string;
};

export async function sendMetrics(stack: Stack, metrics: Metric[]): Promise<void> {
  const answer = await fetch(stack.url("metrics", "api/metrics"), {
    method: "POST",
    headers: { "X-API-Key": KEY },
    body: JSON.stringify(metrics),
  });
  assert.equal(answer.status, 202, await answer.clone().text());
  const { count } = (await answer.json()) as { count: number };
  assert.equal(count, metrics.length);
}

const MINUTE_MS = 60_000;
const WORDS = ["checkout", "search"] as const;

/** What came in over the last `minutes` whole minutes, oldest first: the same every time but for the times. */
export function lastMinutes(minutes: number, project = "shop"): Metric[] {
  const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  return Array.from({ length: minutes }, (_, n) => minute(n, now - (minutes - n) * MINUTE_MS, project)).flat();
}

function minute(n: number, timestamp: number, project: string): Metric[] {
  const requests = WORDS.flatMap((word, place): Metric[] => {
    const endpoint = `/${word}`;
    const of = (status: string) => ({ endpoint, status, method: place ? "GET" : "POST" });
    return [
      { name: "http_requests_total", type: "counter", value: 60 + 6 * place, timestamp, labels: of("200"), project },
      { name: "http_requests_total", type: "counter", value: n % 5 === 4 ? 6 : 0, timestamp, labels: of("500"), project },
      ...[1, 2, 3].map((k): Metric => ({
        name: "http_request_duration_seconds",
        type: "histogram",
        value: 0.02 * k * (place + 1),
        timestamp,
        labels: of("200"),
        project,
      })),
    ];
  });
  const page = { page: n % 2 ? "/" : "/cart", session_id: `s${n}`, source: "browser" };
  const vital = (name: string, value: number): Metric => ({
    name: `web_vitals_${name}`,
    type: "histogram",
    value,
    timestamp,
    labels: page,
    project,
  });
  return [
    ...requests,
    { name: "queue_depth", type: "gauge", value: 5 + (n % 7), timestamp, labels: { queue: "mails" }, project },
    vital("lcp", n % 2 ? 1800 : 4400),
    vital("inp", 120 + n),
    vital("cls", 0.02),
    vital("fcp", 1200),
    vital("ttfb", 300),
  ];
}
