// Coming, signing in, going.

import assert from "node:assert/strict";

import { journey, startStack } from "./journey.ts";
import { report, send } from "./reports.ts";
import { KEY, type Name } from "./stack.ts";

const stack = await startStack();
const id = await send(stack, report(1));

journey(
  "a first visit leads to the sign-in page, and the key to where one wanted to go",
  stack,
  { signedIn: false },
  async (visitor) => {
    const { page } = visitor;
    visitor.expect(/401/);
    await visitor.visit("errors", `errors/${id}?occurrence=1`);
    assert.equal(new URL(page.url()).pathname, "/login");
    const key = page.getByLabel("API key");
    assert.ok(await key.evaluate((field) => field === document.activeElement), "one can type at once");

    await page.keyboard.type("mk_not_the_key");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("not a valid key").waitFor();
    assert.equal(await key.getAttribute("aria-invalid"), "true");
    assert.equal(await key.inputValue(), "", "the wrong key is not sent back");

    await key.fill(KEY);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(stack.url("errors", `errors/${id}?occurrence=1`));
    await page.getByRole("heading", { name: "ValueError", level: 1 }).waitFor();
  },
);

journey("the key is shown on request while one types it", stack, { signedIn: false }, async ({ page, stack }) => {
  await page.goto(stack.url("errors", "login"));
  const key = page.getByLabel("API key");
  assert.equal(await key.getAttribute("type"), "password");
  await page.getByLabel("Show the key").check();
  assert.equal(await key.getAttribute("type"), "text");
});

journey("one sign-in is good for all four services", stack, { signedIn: false }, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  await page.getByLabel("API key").fill(KEY);
  await page.keyboard.press("Enter");
  await page.waitForURL(stack.url("errors"));
  const others: [string, Name][] = [
    ["Logs", "logs"],
    ["Metrics", "metrics"],
    ["Browser", "browser"],
    ["Errors", "errors"],
  ];
  for (const [title, name] of others) {
    await page.getByRole("navigation", { name: "Services" }).getByRole("link", { name: title }).click();
    await page.waitForURL(stack.url(name));
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    const current = page.getByRole("navigation", { name: "Services" }).locator("[aria-current=page]");
    assert.equal(await current.textContent(), title);
  }
});

journey("signing out ends it in every tab, for the way back, and for a kept cookie", stack, {}, async (visitor) => {
  const { page, context } = visitor;
  // The list's own last question: asked after the sign-out, it would be a fault.
  const isUpToDate = page.waitForResponse((response) => response.url().includes("/api/errors?"));
  await visitor.visit("errors");
  await isUpToDate;
  const kept = await context.cookies();
  const other = await context.newPage();
  await other.goto(stack.url("errors", `errors/${id}`));

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(stack.url("errors", "login"));
  assert.deepEqual(await context.cookies(), []);
  await page.goBack();
  await page.waitForURL(/\/login/);
  await other.reload();
  await other.waitForURL(/\/login/);
  for (const name of ["errors", "logs", "metrics", "browser"] as const) {
    await visitor.visit(name);
    assert.equal(new URL(page.url()).pathname, "/login", name);
  }

  await context.addCookies(kept);
  await visitor.visit("errors");
  assert.equal(new URL(page.url()).pathname, "/login", "the old cookie is worth nothing");
});

journey("a sign-in link works once", stack, { signedIn: false }, async (visitor) => {
  const { page, context } = visitor;
  visitor.expect(/401/);
  const link = stack.service("errors").command("login-link").trim();
  await page.goto(link);
  await page.getByRole("heading", { name: "Welcome to Errors" }).waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(stack.url("errors"));
  assert.ok(!page.url().includes("token"));

  await context.clearCookies();
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("used already").waitFor();
  await page.getByRole("link", { name: "sign in with an API key" }).click();
  await page.getByLabel("API key").waitFor();
});

journey("the way on from the sign-in page never leaves the service", stack, { signedIn: false }, async ({ page }) => {
  for (const next of [
    "//evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "\\\\evil.example",
    "..//evil.example",
  ]) {
    // A list that is still open would ask on with no cookie.
    await page.goto("about:blank");
    await page.context().clearCookies();
    await page.goto(stack.url("errors", `login?next=${encodeURIComponent(next)}`));
    await page.getByLabel("API key").fill(KEY);
    await page.keyboard.press("Enter");
    await page.waitForURL(stack.url("errors"));
  }
});
