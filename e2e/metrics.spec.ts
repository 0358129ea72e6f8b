// The metrics pages as people use them: overview, explorer, zoom, groups, comparison, live, by keyboard, without script.

import assert from "node:assert/strict";

import type { Page } from "playwright-core";

import { journey, startStack } from "./journey.ts";
import { lastMinutes, type Metric, sendMetrics } from "./metrics.ts";

const stack = await startStack();
const live = await startStack();
await sendMetrics(stack, lastMinutes(40));

const drawn = (page: Page, id: string) => page.locator(`#${id} .uplot canvas`);
const legend = (page: Page, id: string) => page.locator(`#${id} .legend button`);

/** What the legend says: names and figures. */
async function legendOf(page: Page, id: string): Promise<Record<string, string>> {
  const pairs = await legend(page, id).evaluateAll((buttons) =>
    buttons.map((button) => [button.querySelector("span")?.textContent ?? "", button.querySelector("b")?.textContent ?? ""]),
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** What a chart's legend says, and the newest row of its table that has a value in each column: name and figure each.
 * Both at one moment, since the page is renewed while it is read. */
async function toldBy(page: Page, id: string): Promise<{ legend: string[][]; row: string[][] }> {
  return page.locator(`#${id}`).evaluate((figure) => {
    const [buttons, rows, [heads = []]] = ([
      [".legend button", "span, b"],
      ["table tbody tr", "td"],
      ["table thead tr", "th"],
    ] as const).map(([home, part]) =>
      [...figure.querySelectorAll(home)].map((it) => [...it.querySelectorAll(part)].map((it) => it.textContent ?? "")),
    ) as [string[][], string[][], string[][]];
    const row = rows.find((cells) => cells.every((cell) => cell !== "–")) ?? [];
    return { legend: buttons, row: heads.slice(1).map((head, i) => [head, row[i] ?? ""]) };
  });
}

async function drag(page: Page, id: string, from: number, to: number): Promise<void> {
  const over = page.locator(`#${id} .u-over`);
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  assert.ok(box);
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, y, { steps: 6 });
  await page.mouse.up();
}

journey("the overview draws requests, errors and latency, and tells them in tables too", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "?range=30m"));
  for (const id of ["requests", "errors", "latency"]) await drawn(page, id).waitFor();
  for (const id of ["requests", "latency"]) {
    const { legend, row } = await toldBy(page, id);
    assert.ok(row.length > 0, "there is a table");
    assert.deepEqual(legend, row, "script and server write values alike");
  }
  await page.locator("#latency").getByRole("button", { name: "Table" }).click();
  await page.locator("#latency-values").getByRole("columnheader", { name: "p95" }).waitFor();
  assert.equal(await page.locator("#requests-values").isVisible(), false);
  await page.locator("#endpoints").getByText("/search").waitFor();
  const vitals = page.locator("#vitals");
  await vitals.getByText("poor", { exact: true }).waitFor();
  await vitals.getByRole("row", { name: /\/cart/ }).waitFor();
  await page.getByText("Samples since the start").waitFor();
});

journey("the overview of one endpoint keeps it until its chip is pressed", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "?range=30m&project=shop&endpoint=%2Fsearch"));
  await drawn(page, "requests").waitFor();
  const endpoints = page.locator("#endpoints tbody tr");
  assert.equal(await endpoints.count(), 1);
  await page.locator(".range summary").click();
  await page.getByRole("button", { name: "1 hour", exact: true }).click();
  await page.waitForURL(/range=1h/);
  await page.locator("#project").selectOption("");
  await page.waitForURL((url) => !url.searchParams.get("project"));
  assert.equal(new URL(page.url()).searchParams.get("endpoint"), "/search");
  await page.getByRole("link", { name: "Without Endpoint: /search" }).click();
  await page.waitForURL((url) => !url.searchParams.has("endpoint"));
  await endpoints.nth(1).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("range"), "1h");
});

journey("a drag zooms in, the picker leads out again, and the range goes along", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "?range=30m&project=shop"));
  await drawn(page, "latency").waitFor();
  await drag(page, "latency", 0.25, 0.75);
  await page.waitForURL(/from=/);
  const url = new URL(page.url());
  const length = Date.parse(url.searchParams.get("to") ?? "") - Date.parse(url.searchParams.get("from") ?? "");
  assert.ok(length > 10 * 60_000 && length < 20 * 60_000, `${length} ms`);
  assert.equal(url.searchParams.get("project"), "shop");
  assert.equal(url.searchParams.get("range"), null);

  await drawn(page, "latency").waitFor();
  const logs = await page.getByRole("navigation", { name: "Services" }).getByRole("link", { name: "Logs" }).getAttribute("href");
  assert.match(logs ?? "", /[?&]from=.*&to=/, "other services are shown the same range");
  await page.getByRole("link", { name: "Zoom out" }).click();
  await page.waitForURL((now) => now.href !== url.href);
  const wider = new URL(page.url()).searchParams;
  const after = Date.parse(wider.get("to") ?? "") - Date.parse(wider.get("from") ?? "");
  assert.ok(Math.abs(after - 2 * length) < 5_000, `${after} ms`);

  await page.locator(".range summary").click();
  await page.getByRole("button", { name: "1 hour", exact: true }).click();
  await page.waitForURL(/range=1h/);
  assert.equal(new URL(page.url()).searchParams.get("from"), null);
  await page.getByText("Last hour").waitFor();
  await page.getByRole("link", { name: "Explore" }).first().click();
  await page.waitForURL(/explore\?.*range=1h/);
});

journey("a range is pasted, and told in the reader's zone or in UTC", stack, { timezoneId: "Asia/Tokyo" }, async ({ page, stack, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(stack.url("metrics", "?range=30m"));
  await page.locator(".range summary").click();
  await page.evaluate(() => navigator.clipboard.writeText("2026-11-20 09:00 to 2026-11-20 10:30"));
  await page.getByLabel("From", { exact: true }).focus();
  await page.keyboard.press("Control+V");
  await page.waitForFunction(() => (document.activeElement as HTMLInputElement).value !== "");
  assert.equal(await page.getByLabel("To", { exact: true }).inputValue(), "2026-11-20 10:30");
  await page.getByRole("button", { name: "Show this range" }).click();
  await page.waitForURL(/from=/);
  assert.equal(new URL(page.url()).searchParams.get("from"), "2026-11-20T00:00:00.000Z");
  await page.getByText(/20 Nov 2026, 09:00:00 – 20 Nov 2026, 10:30:00/).waitFor();
  await page.locator(".range summary").click();
  await page.getByRole("button", { name: "Show times in UTC" }).click();
  await page.getByText(/20 Nov 2026, 00:00:00 – 20 Nov 2026, 01:30:00/).waitFor();
  assert.equal(await page.getByLabel("From", { exact: true }).inputValue(), "2026-11-20 00:00:00");
  await page.reload();
  await page.getByText(/20 Nov 2026, 00:00:00 –/).waitFor();
});

journey("the explorer finds a metric, groups it, hides a line, and compares", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "explore"));
  await page.getByLabel("Metric", { exact: true }).fill("http_");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "http_requests_total", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "http_requests_total" }).waitFor();
  await page.getByRole("link", { name: "Explore" }).last().click();
  await page.getByLabel("Grouped by").selectOption("endpoint");
  await page.waitForURL(/group_by=endpoint/);
  await drawn(page, "explored").waitFor();
  assert.deepEqual(Object.keys(await legendOf(page, "explored")), ["/search", "/checkout"], "the greatest comes first");

  const search = legend(page, "explored").filter({ hasText: "/search" });
  await search.click();
  assert.equal(await search.getAttribute("aria-pressed"), "false");
  await search.click({ modifiers: ["Shift"] });
  assert.equal(await legend(page, "explored").filter({ hasText: "/checkout" }).getAttribute("aria-pressed"), "false");

  await page.getByLabel("Only where").fill("status=500");
  await page.keyboard.press("Enter");
  await page.waitForURL(/labels=status/);
  await page.getByText("2 series, by").waitFor();
  await page.getByLabel("Compare with the time before").check();
  await page.waitForURL(/compare=1/);
  await drawn(page, "explored").waitFor();

  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download as CSV" }).click()]);
  assert.equal(download.suggestedFilename(), "metrics.csv");
});

journey("a filter that cannot be read is told where it was written", stack, {}, async (visitor) => {
  const { page, stack } = visitor;
  visitor.expect(/400/);
  await page.goto(stack.url("metrics", "explore?name=http_requests_total"));
  await page.getByLabel("Only where").fill("status=~(");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("labels has an expression").waitFor();
  assert.equal(await page.getByLabel("Only where").inputValue(), "status=~(");
});

journey("by keyboard alone one opens the range, walks along a chart and shows its table", stack, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "metrics/queue_depth?range=30m"));
  await drawn(page, "values").waitFor();
  await page.keyboard.press("t");
  await page.getByRole("button", { name: "15 min" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#values .plot").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.locator("#values .legend .at").getByText(/\d\d:\d\d:\d\d/).waitFor();
  await page.keyboard.press("End");
  await page.keyboard.press("Escape");
  await page.locator("#values .legend .at").getByText("Last").waitFor();
  await page.locator("#values [data-chart-table]").focus();
  await page.keyboard.press("Enter");
  await page.locator("#values-values").getByRole("columnheader", { name: "mean" }).waitFor();
});

journey("an empty collector waits for the first metric, and charts go on by themselves", live, {}, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "?range=15m"));
  await page.getByText("Waiting for the first metric").waitFor();
  await sendMetrics(stack, lastMinutes(10));
  await drawn(page, "requests").waitFor();
  const before = await legendOf(page, "latency");
  await page.evaluate(() => Object.assign(globalThis, { notReloaded: true }));
  await sendMetrics(
    stack,
    Array.from({ length: 50 }, () => ({
      name: "http_request_duration_seconds",
      type: "histogram" as const,
      value: 9,
      labels: { endpoint: "/checkout", status: "200", method: "POST" },
      project: "shop",
    })),
  );
  await page.locator("#latency .legend").getByText("8.9").or(page.locator("#latency .legend").getByText("9 s")).first().waitFor();
  assert.notDeepEqual(await legendOf(page, "latency"), before);
  assert.equal(await page.evaluate(() => "notReloaded" in globalThis), true, "without a reload");
  await page.locator("#tiles").getByText("9 s").or(page.locator("#tiles").getByText("8.9")).first().waitFor();
});

journey("without script the tables are there and the forms work", stack, { javaScriptEnabled: false }, async ({ page, stack }) => {
  await page.goto(stack.url("metrics", "explore?name=queue_depth&range=30m"));
  await page.locator("#explored-values").getByRole("row").nth(2).waitFor();
  assert.equal(await page.locator("#explored .plot").isVisible(), false);
  await page.getByLabel("Show", { exact: true }).selectOption("max");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.waitForURL(/function=max/);
  await page.locator(".range summary").click();
  await page.getByRole("button", { name: "3 hours" }).click();
  await page.waitForURL(/range=3h/);
  assert.equal(new URL(page.url()).searchParams.get("function"), "max");
  await page.locator(".range summary").click();
  await page.getByLabel("From", { exact: true }).fill("now-2h");
  await page.getByLabel("To", { exact: true }).fill("now");
  await page.getByRole("button", { name: "Show this range" }).click();
  await page.getByText("Last 2 hours").waitFor();
});

journey("where charts cannot be drawn, the tables stand in their place", stack, {}, async (visitor) => {
  const { page, stack } = visitor;
  visitor.expect(/chart/);
  visitor.expect(/Failed to load resource/);
  await page.route(/assets\/chart\..*\.js/, (route) => route.abort());
  await page.goto(stack.url("metrics", "?range=30m"));
  await page.locator("#requests-values").getByRole("row").nth(3).waitFor();
  assert.equal(await page.locator("#requests .uplot").count(), 0);
});

/** How high lines or bars of the colour of `className` are in a chart: the greatest and the least part of its height,
 * none where no pixel has it. */
function heights([id, className]: [string, string]): [number, number] | null {
  const figure = document.getElementById(id);
  const canvas = figure?.querySelector("canvas");
  if (!figure || !canvas) return null;
  const probe = figure.appendChild(document.createElement("i"));
  probe.className = className;
  const wanted = (getComputedStyle(probe).color.match(/\d+/g) ?? []).map(Number);
  probe.remove();
  // A copy, since reading the canvas itself makes it slow.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy?.drawImage(canvas, 0, 0);
  const pixels = copy?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
  const rows: number[] = [];
  for (let at = 0; at < pixels.length; at += 4) {
    if (wanted.every((part, n) => pixels[at + n] === part)) rows.push(Math.floor(at / 4 / canvas.width));
  }
  const [top, bottom] = [rows[0], rows[rows.length - 1]];
  return top === undefined || bottom === undefined ? null : [1 - top / canvas.height, 1 - bottom / canvas.height];
}

journey("bars change their colour with the theme", stack, { colorScheme: "light" }, async ({ page, stack }) => {
  // Not live: nothing but the theme draws it anew.
  await page.goto(stack.url("metrics", "?from=now-30m&to=now-1m"));
  await drawn(page, "requests").waitFor();
  await page.getByRole("button", { name: "Theme: system" }).click();
  await page.waitForFunction(heights, ["requests", "tone-main"] as [string, string]);
  await page.getByRole("button", { name: "Theme: light" }).click();
  await page.getByRole("button", { name: "Theme: dark" }).waitFor();
  await page.waitForFunction(heights, ["requests", "tone-main"] as [string, string]);
});

/** Requests of each of the last minutes that all went well. */
function calm(project: string): Metric[] {
  const labels = { endpoint: "/search", status: "200", method: "GET" };
  const at = (n: number) => Math.floor(Date.now() / 60_000 - n) * 60_000;
  return Array.from({ length: 20 }, (_, n) => ({ name: "http_requests_total", type: "counter", value: 60, timestamp: at(n + 1), labels, project }));
}

journey("no errors look like none: the axis ends above the first threshold", stack, { colorScheme: "light" }, async ({ page, stack }) => {
  await sendMetrics(stack, calm("calm"));
  await page.goto(stack.url("metrics", "?project=calm&from=now-30m&to=now-1m"));
  await drawn(page, "errors").waitFor();
  await page.locator("#errors .legend").getByText("0 %").waitFor();
  await page.waitForFunction(heights, ["errors", "tone-warn"] as [string, string]);
  const [top] = (await page.evaluate(heights, ["errors", "tone-warn"] as [string, string])) ?? [0];
  assert.ok(top > 0.6, `the threshold of 1 % is at ${top} of the height`);
});

/** As long as a project's name may be. */
const LONG = "a-project-whose-name-is-as-long-as-any-can-be-".padEnd(80, "x");

journey("a long name of a project widens neither page nor form", stack, {}, async ({ page, stack }) => {
  await sendMetrics(stack, calm(LONG));
  for (const path of ["?range=1h", "explore?name=queue_depth", "api-monitoring", "alerts"]) {
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(stack.url("metrics", path));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390, path);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(stack.url("metrics", "explore?name=queue_depth"));
  const box = await page.getByLabel("Project").boundingBox();
  assert.ok(box && box.width <= 220, `${box?.width} px`);
});
