// What must stay secret does, and nobody else's page can use a visitor's sign-in.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { report, send } from "./reports.ts";
import { KEY } from "./stack.ts";

const stack = await startStack();
const id = await send(stack, report(1));

async function signInByForm({ page }: Visitor): Promise<void> {
  await page.goto(stack.url("errors"));
  await page.getByLabel("API key").fill(KEY);
  await page.keyboard.press("Enter");
  await page.waitForURL(stack.url("errors"));
}

journey(
  "the sign-in is one cookie that no script and no other site gets",
  stack,
  { signedIn: false },
  async (visitor) => {
    await signInByForm(visitor);
    const cookies = await visitor.context.cookies();
    assert.equal(cookies.length, 1);
    const [cookie] = cookies;
    assert.ok(cookie);
    assert.deepEqual(
      { name: cookie.name, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite, path: cookie.path },
      { name: "monlight", httpOnly: true, sameSite: "Lax", path: "/" },
    );
    assert.ok(cookie.expires > 0 && cookie.expires < Date.now() / 1000 + 8 * 86_400, "it ends within days");
    assert.ok(!cookie.value.includes(KEY), "it does not hold the key");
    assert.equal(await visitor.page.evaluate(() => document.cookie), "");
  },
);

journey(
  "neither key nor session is in storage, addresses, pages, or logs",
  stack,
  { signedIn: false },
  async (visitor) => {
    const { page, context } = visitor;
    // A wrong key, and the /favicon.ico that Chromium asks for beside anything that is no page.
    visitor.expect(/401|404/);
    await page.goto(stack.url("errors", "login"));
    await page.getByLabel("API key").fill("mk_a_wrong_key_that_is_secret_too");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await signInByForm(visitor);
    const session = (await context.cookies())[0]?.value ?? "";
    const secrets = [KEY, session, "mk_a_wrong_key_that_is_secret_too"];
    const holdsNone = (what: string, text: string) => {
      for (const secret of secrets) assert.ok(!text.includes(secret), `${what} holds a secret`);
    };

    await page.getByRole("button", { name: /^Theme/ }).click();
    for (const path of ["", `errors/${id}`, "docs", "openapi.json", `api/errors/${id}`]) {
      await visitor.visit("errors", path);
      holdsNone(path, await page.content());
    }
    await visitor.visit("errors");
    holdsNone("metrics", await page.evaluate(async () => (await fetch("metrics")).text()));
    holdsNone("storage", await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])));
    assert.deepEqual(await page.evaluate(() => indexedDB.databases()), []);
    holdsNone("an address", visitor.addresses.join("\n"));
    holdsNone("a log", stack.logs());
  },
);

/** A page of somebody else: another site, because `localhost` is not `127.0.0.1`. */
const elsewhere = createServer((asked, answer) => {
  const target = new URL(asked.url ?? "/", "http://localhost").searchParams.get("to") ?? "";
  answer.setHeader("Content-Type", "text/html");
  answer.end(
    `<form method="post" action="${target}" enctype="text/plain"><input name="{" value="}"><button>Win</button></form>`,
  );
});
elsewhere.listen(0, "localhost");
await once(elsewhere, "listening");
after(() => {
  elsewhere.closeAllConnections();
  elsewhere.close();
});

journey("a form on another site changes nothing", stack, {}, async (visitor) => {
  const { page } = visitor;
  const host = `localhost:${(elsewhere.address() as AddressInfo).port}`;
  visitor.trust(host);
  visitor.expect(/40[0-9]/);
  for (const path of [`errors/${id}/resolve`, `api/errors/${id}/resolve`, "api/errors", "logout", "login"]) {
    await page.goto(`http://${host}/?to=${encodeURIComponent(stack.url("errors", path))}`);
    const answered = page.waitForResponse((response) => response.url() === stack.url("errors", path));
    await page.getByRole("button", { name: "Win" }).click();
    const answer = await answered;
    const { location = "" } = answer.headers();
    assert.ok(
      [401, 403].includes(answer.status()) || location.includes("login"),
      `${path}: ${answer.status()} ${location}`,
    );
  }
  await visitor.visit("errors", `errors/${id}`);
  await page.getByRole("button", { name: "Resolve" }).waitFor();
});

journey("no page can be framed, kept by a cache, or told elsewhere where one came from", stack, {}, async (visitor) => {
  for (const path of ["", `errors/${id}`, "docs", "login", "nowhere"]) {
    visitor.expect(/404/);
    const answer = await visitor.page.goto(stack.url("errors", path));
    const headers = answer?.headers() ?? {};
    const policy = headers["content-security-policy"] ?? "";
    for (const rule of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      "require-trusted-types-for 'script'",
    ]) {
      assert.ok(policy.includes(rule), `${path}: ${rule} in ${policy}`);
    }
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
    assert.match(headers["referrer-policy"] ?? "", /^(no-referrer|same-origin)$/, path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.equal(headers["cache-control"], "no-store", path);
  }
});
