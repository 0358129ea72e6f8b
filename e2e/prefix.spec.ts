// Behind a reverse proxy that serves the tracker below /mon/errors and strips that prefix.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { promisify } from "node:util";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { CHAINED, report, send } from "./reports.ts";
import { KEY, type Stack } from "./stack.ts";

const PREFIX = "/mon/errors";

/** The proxy. Where it forwards to is told later: the tracker must know the proxy's address at its start. */
const proxy = createServer();
proxy.listen(0, "127.0.0.1");
await once(proxy, "listening");
after(() => {
  proxy.closeAllConnections();
  proxy.close();
});
const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
const base = `http://${host}${PREFIX}`;

function forward(proxy: Server, stack: Stack): void {
  const target = new URL(stack.url("errors"));
  proxy.on("request", (asked, answer) => {
    const path = asked.url ?? "/";
    if (path === PREFIX) return void answer.writeHead(308, { Location: `${PREFIX}/` }).end();
    if (!path.startsWith(`${PREFIX}/`)) return void answer.writeHead(404).end("not below the prefix");
    const { hostname, port } = target;
    const onward = request({
      hostname,
      port,
      method: asked.method,
      path: path.slice(PREFIX.length),
      headers: asked.headers,
      // Each on a connection of its own: none is used that the tracker is about to close.
      agent: false,
    });
    onward.on("response", (response) => {
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
      response.pipe(answer);
    });
    onward.on("error", () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    asked.pipe(onward);
  });
}

const stack = await startStack({ BASE_URL: base });
forward(proxy, stack);

async function signIn(visitor: Visitor, path = ""): Promise<void> {
  const { page } = visitor;
  visitor.trust(host);
  await page.goto(`${base}/${path}`);
  await page.getByLabel("API key").fill(KEY);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/${path}`);
}

/** Nothing of the proxy was asked for beside the prefix. */
function staysBelow(visitor: Visitor): void {
  const beside = visitor.addresses.filter(
    (address) => new URL(address).host === host && !address.startsWith(`${base}/`),
  );
  assert.deepEqual(
    beside.filter((address) => address !== base),
    [],
  );
}

journey("below a prefix the first error's command works as it stands", stack, { signedIn: false }, async (visitor) => {
  const { page } = visitor;
  await signIn(visitor);
  const command = (await page.locator("#start-curl").textContent()) ?? "";
  assert.ok(command.includes(`${base}/api/errors`), command);
  // Not the synchronous form: the proxy that curl talks to lives in this process.
  await promisify(execFile)("bash", ["-c", command], { env: { PATH: process.env["PATH"], API_KEY: KEY } });
  await page.getByRole("link", { name: /HelloError/ }).waitFor();
  staysBelow(visitor);
});

journey(
  "below a prefix everything works: sign-in, list, error, buttons, pages, documents",
  stack,
  { signedIn: false },
  async (visitor) => {
    const { page } = visitor;
    const id = await send(stack, CHAINED);
    await Promise.all(Array.from({ length: 55 }, (_, i) => send(stack, report(100 + i))));
    await signIn(visitor, `errors/${id}`);

    await page.getByRole("button", { name: "Resolve" }).click();
    await page.getByRole("button", { name: "Reopen" }).click();
    await page.getByRole("button", { name: "Resolve" }).waitFor();
    assert.equal(page.url(), `${base}/errors/${id}`);
    await page.locator(".crumbs").getByRole("link", { name: "Errors" }).click();
    await page.waitForURL(`${base}/`);
    await page.getByRole("link", { name: "Next" }).click();
    await page.waitForURL(`${base}/?offset=50`);
    await page.getByRole("navigation", { name: "State" }).getByRole("link", { name: /^All/ }).click();
    await page.waitForURL(/resolved=all/);
    await page.getByLabel("Search").fill("PriceMissing");
    await page.keyboard.press("Enter");
    await page.waitForURL(/search=PriceMissing/);
    await page.getByRole("button", { name: "Resolve PriceMissing" }).click();
    await page.getByRole("button", { name: "Reopen PriceMissing" }).waitFor();
    assert.ok(page.url().startsWith(`${base}/?`), page.url());

    await page.getByRole("link", { name: "API", exact: true }).click();
    await page.waitForURL(`${base}/docs`);
    await page.getByRole("link", { name: "OpenAPI document" }).click();
    await page.waitForURL(`${base}/openapi.json`);
    await page.goto(base);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${base}/login`);
    staysBelow(visitor);
  },
);

journey("below a prefix the documents' examples hold it", stack, { signedIn: false }, async (visitor) => {
  const { page } = visitor;
  visitor.trust(host);
  await page.goto(`${base}/docs`);
  const examples = await page.locator("code[id^=curl-]").allTextContents();
  assert.deepEqual(
    examples.filter((example) => !example.includes(`${base}/`)),
    [],
  );
});

journey(
  "below a prefix a page that is not there is still a page of ours",
  stack,
  { signedIn: false },
  async (visitor) => {
    const { page } = visitor;
    visitor.expect(/404/);
    await signIn(visitor);
    await page.goto(`${base}/errors/9/nowhere/deep`);
    await page.getByRole("link", { name: "Errors, first page" }).click();
    await page.waitForURL(`${base}/`);
    staysBelow(visitor);
  },
);
