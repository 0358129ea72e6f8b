// The SDK in a real browser, on a page of another origin than the relay's: what it catches, and what arrives whatever
// becomes of the page and the network.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { buildSync } from "esbuild";
import type { Page } from "playwright-core";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { ask, eventually, type Group, group, Site, userAgent, variables } from "./site.ts";
import { KEY, type Stack } from "./stack.ts";

const stack = await startStack(variables);

/** The page's own script: buttons that do something. */
const SHOP = `
const does = (id, work) => document.getElementById(id).addEventListener("click", work);
does("break", () => { null.price; });
does("reject", () => { Promise.reject(new Error("no sale", { cause: new RangeError("no tea") })); });
does("say", () => { console.error("payment failed", { token: "s3cret" }, new TypeError("declined")); });
does("log", () => { console.info("cart opened", { items: 2 }); });
does("ask", () => { fetch("/api/orders/17?token=s3cret"); });
does("count", () => { Monlight.counter("carts_total", { kind: "tea" }); Monlight.gauge("cart_items", 3); Monlight.flush(); });
does("move", () => { history.pushState({}, "", "/cart/pay"); });
`;
const BUTTONS = ["break", "reject", "say", "log", "ask", "count", "move"];

/** A page with the one tag that the README shows; `flags` are further attributes of it. */
function page(stack: Stack, key: string, flags = ""): string {
  const script = stack.url("browser", "sdk/monlight.min.js");
  const buttons = BUTTONS.map((id) => `<button id="${id}">${id}</button>`).join("");
  return `<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script src="${script}" crossorigin data-dsn="${key}" data-release="shop@2.0.0" data-environment="test" ${flags}></script>
<h1>Shop</h1>${buttons}<script src="/shop.js"></script>`;
}

/** Opens a shop of its own project. */
async function openShop(visitor: Visitor, project: string, flags = ""): Promise<Site> {
  const site = await Site.open(stack, project);
  site.serve({ "/shop.js": SHOP, "/cart": page(stack, site.key, flags) });
  visitor.trust(new URL(site.origin).host);
  const vitals = visitor.page.waitForResponse(/monlight-vitals\.js/);
  await visitor.page.goto(`${site.origin}/cart`);
  assert.equal((await vitals).status(), 200, "the part that is loaded later lies beside");
  return site;
}

const press = (page: Page, id: string) => page.locator(`#${id}`).click();

interface Occurrence {
  extra: Record<string, any>;
  breadcrumbs: { category: string; message: string; data?: Record<string, unknown> }[];
  request_url: string;
  traceback: string;
}

const newest = async ({ id }: Group): Promise<Occurrence> => {
  const { occurrences } = await ask<{ occurrences: Occurrence[] }>(stack, "errors", `api/errors/${id}`);
  assert.ok(occurrences[0]);
  return occurrences[0];
};

journey("an uncaught error arrives with what led to it", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^page error: Cannot read properties of null/);
  await openShop(visitor, "uncaught");
  await press(visitor.page, "move");
  await press(visitor.page, "break");
  const found = await group(stack, "reading 'price'");
  assert.deepEqual([found.project, found.exception_type, found.count], ["uncaught", "TypeError", 1]);
  const { extra, breadcrumbs, request_url, traceback } = await newest(found);
  assert.match(request_url, /\/cart\/pay$/);
  assert.match(traceback, /at HTMLButtonElement\.<anonymous> \(http.*\/shop\.js:3:/);
  assert.equal(extra["release"], "shop@2.0.0");
  assert.match(extra["session_id"], /^[0-9a-f-]{36}$/);
  const trail = breadcrumbs.map(({ category, message }) => `${category} ${message.replace(/^http:\/\/[^/]+/, "")}`);
  assert.deepEqual(trail, ["click button#move", "navigation /cart/pay", "click button#break"]);
});

journey("a rejection arrives with the cause of it", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^page error: no sale/);
  await openShop(visitor, "rejected");
  await press(visitor.page, "reject");
  const { traceback } = await newest(await group(stack, "no sale"));
  assert.match(traceback, /^Error: no sale\n[^]*\nCaused by: RangeError: no tea\n/);
});

journey("an error in the console arrives, without its secrets", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^console error: payment failed/);
  await openShop(visitor, "console", "data-capture-console");
  await press(visitor.page, "say");
  const found = await group(stack, "payment failed");
  assert.equal(found.exception_type, "ConsoleError");
  assert.match(found.message, /\{"token":"\[Filtered\]"\} TypeError: declined/);
  assert.match((await newest(found)).traceback, /TypeError: declined\n.*shop\.js/);
});

journey("a request that fails is an error, a metric, and known to the server by its trace", stack, { userAgent }, async (visitor) => {
  visitor.expect(/answer 503|status of 503/);
  const site = await openShop(visitor, "requests");
  await press(visitor.page, "ask");
  const found = await group(stack, "failed with status 503");
  assert.equal(found.message, `GET ${site.origin}/api/orders/{id} failed with status 503`);
  const { extra, breadcrumbs } = await newest(found);
  const traceparent = String(site.asked.at(-1)?.headers["traceparent"]);
  assert.match(traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.equal(extra["context"].trace_id, traceparent.split("-")[1]);
  assert.equal(extra["context"].type, "NetworkError");
  assert.match(String(breadcrumbs.at(-1)?.message), /\?token=\[Filtered\]$/);
  await press(visitor.page, "count");
  await eventually("the request is counted", async () => {
    const path = "api/metrics?name=browser_http_requests_total&project=requests&period=1h&labels=status:503";
    const { data } = await ask<{ data: { sum: number }[] }>(stack, "metrics", path);
    return data.some(({ sum }) => sum === 1) || undefined;
  });
});

journey("metrics of the page's own are on the page of metrics", stack, { userAgent }, async (visitor) => {
  await openShop(visitor, "counted");
  await press(visitor.page, "count");
  await eventually("the metrics are there", async () => {
    const { metrics } = await ask<{ metrics: { name: string }[] }>(stack, "metrics", "api/metrics/names?project=counted");
    const names = metrics.map(({ name }) => name);
    return (names.includes("carts_total") && names.includes("cart_items")) || undefined;
  });
  await visitor.visit("metrics", "metrics/carts_total?range=15m");
  await visitor.page.getByRole("heading", { level: 1, name: "carts_total" }).waitFor();
});

journey("what the page logs is seen live in the log viewer", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^console error: payment failed/);
  await openShop(visitor, "logged", "data-capture-logs");
  await press(visitor.page, "log");
  await eventually("the viewer has a first line", async () => {
    const { total } = await ask<{ total: number }>(stack, "logs", "api/logs?container=browser/logged");
    return total || undefined;
  });
  const logs = await visitor.context.newPage();
  await logs.goto(stack.url("logs", "?container=browser/logged"));
  await logs.getByText('cart opened {"items":2}').first().waitFor();
  await logs.locator("#live[data-state=on]").waitFor();
  await press(visitor.page, "say");
  await logs.getByText('payment failed {"token":"[Filtered]"}').first().waitFor();
});

journey("a tab that is closed has sent its Web Vitals", stack, { userAgent }, async (visitor) => {
  await openShop(visitor, "closed");
  // The part that is loaded later has begun, and seen what was painted.
  const vitals = JSON.stringify(stack.url("browser", "sdk/monlight-vitals.js"));
  const seen = `new Promise((done) => new PerformanceObserver(done).observe({ type: "paint", buffered: true }))`;
  await visitor.page.evaluate(`import(${vitals}).then(() => ${seen}).then(() => {})`);
  await press(visitor.page, "move");
  await visitor.page.close();
  const wanted = ["cls", "fcp", "lcp", "ttfb"].map((name) => `web_vitals_${name}`).concat("page_load_time");
  await eventually("all of them are there", async () => {
    const { metrics } = await ask<{ metrics: { name: string }[] }>(stack, "metrics", "api/metrics/names?project=closed");
    const names = metrics.map(({ name }) => name);
    return wanted.every((name) => names.includes(name)) || undefined;
  });
});

journey("what happens offline arrives when the network is back", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^page error: Cannot read properties of null|ERR_INTERNET_DISCONNECTED/);
  await openShop(visitor, "offline");
  await visitor.context.setOffline(true);
  await press(visitor.page, "break");
  await press(visitor.page, "count");
  assert.equal(await visitor.page.evaluate(() => navigator.onLine), false);
  await visitor.context.setOffline(false);
  const found = await eventually("it is there", async () => {
    const { errors } = await ask<{ errors: Group[] }>(stack, "errors", "api/errors?project=offline");
    return errors[0];
  });
  assert.equal(found.count, 1);
});

journey("what happened offline in a tab that was closed arrives with the next visit", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^page error: no sale|ERR_INTERNET_DISCONNECTED/);
  const site = await openShop(visitor, "returned");
  await visitor.context.setOffline(true);
  await press(visitor.page, "reject");
  const second = await visitor.context.newPage();
  // Closing says so too, but may say it when the network is back.
  await visitor.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));
  await visitor.page.close();
  await visitor.context.setOffline(false);
  await second.goto(`${site.origin}/cart`);
  const found = await eventually("it is there", async () => {
    const { errors } = await ask<{ errors: Group[] }>(stack, "errors", "api/errors?project=returned");
    return errors[0];
  });
  assert.deepEqual([found.message, found.count], ["no sale", 1]);
});

journey("a relay that asks for a pause gets one, and then everything", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^page error|answer 429|status of 429/);
  await openShop(visitor, "paused");
  const { page } = visitor;
  // Time stands still from here on, but where it is told to go.
  await page.clock.install();
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000);
  const headers = { "Retry-After": "30", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After" };
  const errors = "**/api/browser/errors";
  let n_refused = 0;
  await page.route(errors, (route) => (n_refused++, route.fulfill({ status: 429, headers })), { times: 1 });
  const refused = page.waitForResponse((answer) => answer.status() === 429);
  await press(page, "break");
  await (await refused).finished();
  await press(page, "reject");
  await page.clock.fastForward(29_000);
  const before = await ask<{ total: number }>(stack, "errors", "api/errors?project=paused");
  assert.deepEqual([before.total, n_refused], [0, 1], "nothing is sent while it waits");
  await page.clock.fastForward(2000);
  await eventually("both arrive", async () => {
    const { total } = await ask<{ total: number }>(stack, "errors", "api/errors?project=paused");
    return total === 2 || undefined;
  });
});

journey("a broken policy and a missing picture are reported", stack, { userAgent }, async (visitor) => {
  visitor.expect(/content security policy|Content Security Policy|answer 503|status of 503|x\.png csp$/);
  visitor.trust("elsewhere.example");
  const site = await openShop(visitor, "policy");
  const policy = `<meta http-equiv="Content-Security-Policy" content="img-src 'self'">`;
  site.serve({ "/gallery": policy + page(stack, site.key) + `<img src="http://elsewhere.example/x.png"><img src="/tea.png?x=1">` });
  await visitor.page.goto(`${site.origin}/gallery`);
  assert.equal((await group(stack, "img-src blocked")).exception_type, "csp-violation");
  // The tracker has both pictures in one group, named by the first.
  const missing = await group(stack, "could not load img");
  assert.equal(missing.exception_type, "ResourceError");
  assert.match((await newest(missing)).extra["context"].url, /\/(x|tea)\.png/);
});

journey("the original's ways in still work, and all is put back at the end", stack, { userAgent }, async (visitor) => {
  const site = await Site.open(stack, "original");
  const script = stack.url("browser", "sdk/monlight.min.js");
  const dsn = stack.url("browser").replace("http://", `http://${site.key}@`);
  site.serve({
    "/old": `<!doctype html><title>Old</title><link rel="icon" href="data:,">
<script>window.before = { fetch, error: console.error, push: history.pushState };
window.MonlightConfig = { dsn: "${site.key}", endpoint: "${stack.service("browser").url}/", release: "1" };</script>
<script src="${script}"></script>`,
  });
  visitor.trust(new URL(site.origin).host);
  await visitor.page.goto(`${site.origin}/old`);
  const isBack = await visitor.page.evaluate((dsn) => {
    const { before, Monlight, MonlightSDK } = window as any;
    Monlight.setUser("u-1");
    Monlight.addContext("tenant", "acme");
    Monlight.captureError(new Error("by hand"), { step: 3 });
    Monlight.captureMessage("look here", "warning");
    Monlight.destroy();
    const second = new MonlightSDK.Monlight({ dsn });
    second.captureError("just words");
    second.destroy();
    return before.fetch === fetch && before.error === console.error && before.push === history.pushState;
  }, dsn);
  assert.ok(isBack);
  const { extra } = await newest(await group(stack, "by hand"));
  assert.deepEqual(extra["context"], { tenant: "acme", step: 3, user_id: "u-1" });
  assert.equal((await group(stack, "look here")).exception_type, "ConsoleWarning");
  assert.equal((await group(stack, "just words")).exception_type, "Error");
});

journey("the command uploads the maps of a build, and errors show its sources by their debug ids", stack, { userAgent }, async (visitor) => {
  visitor.expect(/^page error: Cannot read properties of undefined/);
  const site = await Site.open(stack, "built");
  const folder = await mkdtemp(join(tmpdir(), "monlight-build-"));
  try {
    buildSync({
      entryPoints: [fileURLToPath(new URL("site/main.ts", import.meta.url))],
      bundle: true,
      minify: true,
      format: "iife",
      sourcemap: "linked",
      outdir: folder,
      external: ["./monlight-vitals.js"],
      define: { RELAY: JSON.stringify({ url: stack.service("browser").url, key: site.key }) },
    });
    const command = fileURLToPath(new URL("../clients/js/dist/monlight-sourcemaps.mjs", import.meta.url));
    // Another release than the page's: the ids alone lead to the map.
    const words = ["upload", folder, "--relay", stack.service("browser").url, "--project", "built", "--release", "other"];
    const { stdout } = await promisify(execFile)(command, [...words, "--prefix", "/js", "--inject"], {
      env: { PATH: process.env["PATH"], MONLIGHT_API_KEY: KEY },
    });
    assert.equal(stdout, "/js/main.js: uploaded\n");
    site.serve({
      "/cart": `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><button>Pay</button><script src="/js/main.js"></script>`,
      "/js/main.js": await readFile(join(folder, "main.js"), "utf8"),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
  visitor.trust(new URL(site.origin).host);
  // Its second part was left out of this build.
  visitor.expect(/monlight-vitals|answer 503|status of 503|MIME type/);
  await visitor.page.goto(`${site.origin}/cart`);
  await visitor.page.getByRole("button", { name: "Pay" }).click();
  const found = await eventually("it is there", async () => {
    const { errors } = await ask<{ errors: Group[] }>(stack, "errors", "api/errors?project=built");
    return errors.find((it) => it.message.includes("reading 'cents'"));
  });
  const { traceback } = await newest(found);
  assert.match(traceback, /at .*totalOfCart|cart\.ts:13/);
  assert.match(traceback, /main\.ts:\d+/);
});

journey("what is vast, odd or hostile arrives in part, and harms nobody", stack, { userAgent }, async (visitor) => {
  await openShop(visitor, "vast", "data-capture-logs");
  const thrown = await visitor.page.evaluate(() => {
    const { Monlight } = window as any;
    const long = "long ".repeat(50_000);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key${i}`, { long, deep: { long } }]));
    try {
      Monlight.counter("odd_total", { big: 10n, none: undefined, ring: window }, 2);
      for (let i = 0; i < 60; i++) Monlight.addBreadcrumb("note", long, many);
      for (let i = 0; i < 120; i++) Monlight.log("info", `vast line ${i} ${long}`, many);
      Monlight.captureError(Object.assign(new Error(`vast ${long}`), { name: "E".repeat(500) }), many);
      Monlight.captureError({ get message() { throw new Error("mine"); } });
      Monlight.flush();
      return "";
    } catch (error) {
      return String(error);
    }
  });
  assert.equal(thrown, "");
  const found = await group(stack, "vast long");
  assert.equal(found.exception_type.length, 200);
  assert.ok((await newest(found)).breadcrumbs.length > 20);
  await eventually("all lines are there", async () => {
    const { total } = await ask<{ total: number }>(stack, "logs", "api/logs?search=vast");
    return total === 120 || undefined;
  });
  await eventually("the metric is there", async () => {
    const { data } = await ask<{ data: { sum: number }[] }>(stack, "metrics", "api/metrics?name=odd_total&project=vast&period=1h");
    return data.some(({ sum }) => sum === 2) || undefined;
  });
});
