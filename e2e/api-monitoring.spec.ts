// The page of API monitoring as people use it: filters, ranges, order, an endpoint's own page, live, by keyboard.

import assert from "node:assert/strict";

import type { Page } from "playwright-core";

import { type ApiRequest, anHour, tellRequests } from "./api_requests.ts";
import { journey, startStack } from "./journey.ts";
import { look } from "./look.ts";

const stack = await startStack();
const live = await startStack();
await tellRequests(stack, anHour());

const PAGE = "api-monitoring";
const rows = (page: Page) => page.locator("#endpoints tbody tr");
const tile = (page: Page, title: string) => page.locator("#tiles .tile", { has: page.getByRole("heading", { name: title, exact: true }) });

/** Endpoints in the order in which they are listed. */
const listed = (page: Page) => rows(page).locator("a").allTextContents();

journey("the overview draws latency over requests, and tells it in a table too", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", `${PAGE}?range=6h`));
  await page.locator("#latency .uplot canvas").waitFor();
  const names = page.locator("#latency .legend button span");
  assert.deepEqual(await names.allTextContents(), ["requests", "p50", "p95", "p99"]);
  await page.locator("#latency").getByRole("button", { name: "Table" }).click();
  await page.locator("#latency-values").getByRole("columnheader", { name: "p95" }).waitFor();
  assert.match((await tile(page, "Requests").textContent()) ?? "", /360/);
  await page.getByRole("link", { name: "Log", exact: true }).click();
  await page.waitForURL(/scale=log/);
  await page.locator("#latency .uplot canvas").waitFor();
  await page.locator("#errors .uplot canvas").waitFor();
});

journey("filters and order are in the URL, and a chip takes one away", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", PAGE));
  assert.deepEqual(await listed(page), ["/products/{sku}", "/orders/{sku}", "/suppliers"]);
  await page.getByRole("columnheader", { name: "Errors" }).first().getByRole("link").click();
  await page.waitForURL(/sort=errors/);
  assert.deepEqual(await listed(page), ["/orders/{sku}", "/products/{sku}", "/suppliers"]);
  await page.getByRole("columnheader", { name: "p95" }).first().getByRole("link").click();
  await page.waitForURL(/sort=slow/);
  assert.deepEqual(await listed(page), ["/suppliers", "/orders/{sku}", "/products/{sku}"]);

  await page.getByLabel("Status", { exact: true }).selectOption("5xx");
  await page.waitForURL(/status=5xx/);
  assert.deepEqual(await listed(page), ["/orders/{sku}"]);
  assert.equal(new URL(page.url()).searchParams.get("sort"), "slow", "the order stays");
  await page.getByRole("link", { name: "Without status: 5xx" }).click();
  await page.waitForURL((url) => !url.searchParams.has("status"));

  await page.locator("#consumers").getByRole("link", { name: "partner" }).click();
  await page.waitForURL(/consumer=partner/);
  await page.getByText("failing").first().waitFor();
  await page.locator("#nodes").getByRole("link", { name: "web-2" }).click();
  await page.waitForURL(/node=web-2/);
  assert.equal(new URL(page.url()).searchParams.get("consumer"), "partner");
  assert.equal(await page.getByLabel("Node", { exact: true }).inputValue(), "web-2", "what is set behind is unfolded");
});

journey("every range is answered from its tier", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", PAGE));
  for (const [label, range] of [["1 hour", "1h"], ["7 days", "7d"], ["1 year", "365d"]] as const) {
    await page.locator(".range summary").click();
    await page.getByRole("button", { name: label, exact: true }).click();
    await page.waitForURL(new RegExp(`range=${range}`));
    await page.locator("#latency .uplot canvas").waitFor();
  }
  assert.match((await tile(page, "Requests").textContent()) ?? "", /360/);
});

journey("an endpoint has a page of its own, which leads to its errors and logs", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", `${PAGE}?range=24h`));
  await page.getByRole("link", { name: "/orders/{sku}" }).click();
  await page.getByRole("heading", { level: 1, name: /\/orders\/\{sku\}/ }).waitFor();
  await page.locator("#latency .uplot canvas").waitFor();
  await page.locator("#statuses summary").first().click();
  await page.locator("#statuses").getByRole("link", { name: /^500/ }).waitFor();
  const logs = await page.getByRole("link", { name: "Its logs" }).getAttribute("href");
  assert.equal(logs, `${stack.url("logs")}?search=%22%2Forders%22&range=24h`);
  await page.getByRole("link", { name: "Its errors" }).click();
  await page.waitForURL((url) => url.href.startsWith(stack.url("errors")));
  assert.equal(new URL(page.url()).searchParams.get("search"), "/orders");
  await page.goBack();
  await page.getByRole("link", { name: "API monitoring" }).first().click();
  await page.waitForURL(new RegExp(`${PAGE}\\?range=24h`));
});

journey("the first request appears by itself, and so does the next", live, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", PAGE));
  await page.getByText("Waiting for the first request").waitFor();
  const [first, second] = anHour();
  assert.ok(first && second);
  const now = (request: ApiRequest): ApiRequest => ({ ...request, created_at: new Date().toISOString() });
  await tellRequests(stack, [now({ ...first, endpoint: "/first" })]);
  await page.getByRole("link", { name: "/first" }).waitFor();
  await tellRequests(stack, [now({ ...second, endpoint: "/second" })]);
  await page.getByRole("link", { name: "/second" }).waitFor();
});

journey("it is all done by keyboard", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", PAGE));
  await page.locator("#latency .uplot canvas").waitFor();
  await page.getByLabel("Endpoint", { exact: true }).focus();
  await page.keyboard.type("/suppliers");
  await page.keyboard.press("Enter");
  await page.waitForURL(/endpoint=%2Fsuppliers/);
  await page.locator("#latency .uplot canvas").waitFor();
  await page.locator("#latency [data-chart-plot]").focus();
  await page.keyboard.press("End");
  await page.keyboard.press("t");
  assert.equal(await page.locator(".range details").getAttribute("open"), "");
  await page.keyboard.press("Escape");
  await rows(page).getByRole("link", { name: "/suppliers", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /\/suppliers/ }).waitFor();
});

journey("without script it filters and sorts all the same", stack, { javaScriptEnabled: false }, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", PAGE));
  await page.getByLabel("Status", { exact: true }).selectOption("5xx");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/status=5xx/);
  assert.deepEqual(await listed(page), ["/orders/{sku}"]);
  await page.locator("#latency-values").getByRole("columnheader", { name: "p99" }).waitFor();
});

for (const [name, path] of [
  ["api-monitoring", `${PAGE}?range=6h`],
  ["api-monitoring-filtered", `${PAGE}?range=6h&node=web-2&status=2xx&scale=log`],
  ["api-monitoring-none", `${PAGE}?service=nobody`],
  ["api-endpoint", `${PAGE}/endpoint?service=shop-api&method=POST&endpoint=/orders/{sku}&range=6h`],
] as const) {
  journey(`${name} is fit to be seen`, stack, {}, async (visitor) => {
    await visitor.visit("metrics", path);
    await look(visitor, name);
  });
}
journey("what is shown before the first request is fit to be seen", await startStack(), {}, async (visitor) => {
  await visitor.visit("metrics", PAGE);
  await look(visitor, "api-monitoring-start");
});

journey("bars of statuses stand below one another", stack, {}, async ({ page, stack }) => {
  const [request] = anHour().slice(-1);
  assert.ok(request);
  await tellRequests(stack, Array.from({ length: 1200 }, () => ({ ...request, service: "a-much-busier-service" })));
  await page.goto(stack.url("metrics", `${PAGE}?range=7d`));
  const bars = await page.locator("#statuses .shares").evaluateAll((bars) => bars.map((bar) => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().right]));
  assert.equal(bars.length, 2);
  assert.deepEqual(bars[0], bars[1]);
});
