// All four services behind the proxies that `deploy/proxy` has examples for: TLS, one name, a path each.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { sendLines } from "./logs.ts";
import { lastMinutes, sendMetrics } from "./metrics.ts";
import { Proxy } from "./proxies.ts";
import { report, send } from "./reports.ts";
import { group, Site, userAgent, variables } from "./site.ts";
import { KEY, type Stack } from "./stack.ts";

const profile = { signedIn: false, ignoreHTTPSErrors: true, userAgent };

for (const program of ["caddy", "nginx"] as const) {
  const proxy = await Proxy.choose(program);
  if (!proxy) {
    void test(`behind ${program}`, (test) => test.skip(`${program} is not there: scripts/need.sh proxies`));
    continue;
  }
  const stack = await startStack((name) => ({ ...proxy.variables(name), ...variables }));
  await proxy.start(stack);

  journey(`behind ${program} one sign-in opens all four, and their pages keep up by themselves`, stack, profile, async (visitor) => {
    const { page } = visitor;
    visitor.trust(proxy.host);
    await signIn(visitor, proxy);
    await liveErrors(visitor, stack, proxy);
    await liveLogs(visitor, stack);
    await metrics(visitor, stack, proxy);
    await page.getByRole("navigation", { name: "Services" }).getByRole("link", { name: "Browser" }).click();
    await page.getByRole("navigation", { name: "Browser relay" }).or(page.locator("main")).first().waitFor();
    assert.ok(page.url().startsWith(proxy.url("browser")), page.url());

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(proxy.url("browser", "login"));
    await page.goto(`https://${proxy.host}/mon`);
    await page.getByLabel("API key").waitFor();
    assert.ok(page.url().startsWith(proxy.url("errors", "login")), page.url());
    staysBelow(visitor, proxy);
  });

  journey(`behind ${program} a page of another origin reports its errors`, stack, profile, async (visitor) => {
    visitor.trust(proxy.host);
    visitor.expect(/^page error: Cannot read properties of null/);
    const site = await Site.open(stack, program);
    const tag = `<script src="${proxy.url("browser", "sdk/monlight.min.js")}" crossorigin data-dsn="${site.key}"></script>`;
    site.serve({ "/": `<!doctype html><title>Shop</title><link rel="icon" href="data:,">${tag}<script src="/shop.js"></script>` });
    site.serve({ "/shop.js": "null.jam;" });
    visitor.trust(new URL(site.origin).host);
    await visitor.page.goto(site.origin);
    const found = await group(stack, "reading 'jam'");
    assert.equal(found.project, program);
    staysBelow(visitor, proxy);
  });

  void test(`behind ${program} what the pages say to type works, and a caller's address is its own`, async () => {
    const run = promisify(execFile);
    const curl = (...words: string[]) => run("curl", ["--silent", "--insecure", ...words]);
    const link = stack.service("errors").command("login-link");
    assert.ok(link.startsWith(proxy.url("errors", "login/link?token=")), link);
    const { stdout: document } = await curl(proxy.url("logs", "openapi.json"));
    assert.ok(document.includes('"openapi"'));
    const body = JSON.stringify([{ name: "jam%2Ftea", type: "gauge", value: 1 }]);
    const sent = await curl("--data", body, "-H", `X-API-Key: ${KEY}`, proxy.url("metrics", "api/metrics"));
    assert.match(sent.stdout, /"count":\s*1/);
    // A slash within a name must arrive as it was sent.
    const named = await curl("-o", "/dev/null", "-w", "%{http_code}", "-H", `X-API-Key: ${KEY}`, proxy.url("metrics", "metrics/jam%252Ftea"));
    assert.equal(named.stdout, "200");
    // Ten wrong keys a minute, whatever address a caller claims to have; and a few more while these are on their way.
    const wrong = await Promise.all(
      Array.from({ length: 25 }, (_, i) =>
        curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "X-API-Key: wrong", "-H", `X-Forwarded-For: 203.0.113.${i}`, proxy.url("browser", "api/dsn-keys")),
      ),
    );
    assert.ok(wrong.some(({ stdout }) => stdout === "429"), "a made-up address is no way round");
  });
}

async function signIn({ page, context }: Visitor, proxy: Proxy): Promise<void> {
  // Without its slash.
  await page.goto(`https://${proxy.host}/mon/errors`);
  await page.getByLabel("API key").fill(KEY);
  await page.keyboard.press("Enter");
  await page.waitForURL(proxy.url("errors"));
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie?.name, cookie?.secure, cookie?.httpOnly], ["__Host-monlight", true, true]);
}

async function liveErrors({ page }: Visitor, stack: Stack, proxy: Proxy): Promise<void> {
  const id = await send(stack, report(7));
  const stream = page.waitForResponse(proxy.url("errors", "api/live"));
  await page.goto(proxy.url("errors"));
  await stream;
  await send(stack, report(8, { exception_type: "JustNow" }));
  await page.getByRole("heading", { level: 2, name: "JustNow" }).waitFor();
  await page.goto(proxy.url("errors", `errors/${id}`));
  await page.getByRole("button", { name: "Resolve" }).click();
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  assert.equal(page.url(), proxy.url("errors", `errors/${id}`));
}

async function liveLogs({ page }: Visitor, stack: Stack): Promise<void> {
  await sendLines(stack, [{ container: "web", message: "before" }]);
  await page.getByRole("navigation", { name: "Services" }).getByRole("link", { name: "Logs" }).click();
  await page.locator("#live[data-state=on]").waitFor();
  await sendLines(stack, [{ container: "web", message: "while looking" }]);
  await page.locator("#entries li.entry").filter({ hasText: "while looking" }).waitFor();
}

async function metrics({ page }: Visitor, stack: Stack, proxy: Proxy): Promise<void> {
  await sendMetrics(stack, lastMinutes(5));
  await page.getByRole("navigation", { name: "Services" }).getByRole("link", { name: "Metrics" }).click();
  await page.getByRole("heading", { level: 1, name: "Metrics", exact: true }).waitFor();
  await page.goto(proxy.url("metrics", "metrics/http_requests_total?range=15m"));
  await page.locator("#rate").waitFor();
}

/** Nothing of the proxy was asked for beside the services' paths. */
function staysBelow(visitor: Visitor, proxy: Proxy): void {
  const paths = visitor.addresses.map((address) => new URL(address)).filter((url) => url.host === proxy.host);
  const beside = paths.map((url) => url.pathname).filter((path) => !/^\/mon(\/(errors|logs|metrics|browser)(\/|$)|$)/.test(path));
  assert.deepEqual(beside, []);
}
