// One error: reading it, and saying that it is done.

import assert from "node:assert/strict";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { CHAINED, EVENT, report, send } from "./reports.ts";

const stack = await startStack();

const rows = ({ page }: Visitor, name: string) => page.locator("[data-row]", { hasText: name });
const badge = ({ page }: Visitor) => page.locator("h1 .badge");

journey(
  "a stack trace reads from where it broke, with the calls of libraries folded away",
  stack,
  {},
  async (visitor) => {
    const { page } = visitor;
    await send(stack, CHAINED);
    await visitor.visit("errors");
    await page.getByRole("link", { name: /PriceMissing/ }).click();
    await page.getByRole("heading", { level: 1, name: "PriceMissing" }).waitFor();
    await page.waitForLoadState();
    assert.ok((await page.title()).startsWith("PriceMissing: no price for 'jam'"));

    const calls = page.locator(".frame .fn:visible");
    assert.deepEqual(await calls.allTextContents(), ["price", "checkout", "price"]);
    assert.match((await page.locator(".frame").first().textContent()) ?? "", /pricing\.py:9[\s\S]*raise PriceMissing/);
    await page.getByText("2 library frames").click();
    assert.deepEqual(await calls.allTextContents(), ["price", "checkout", "run_endpoint_function", "app", "price"]);

    const chain = page.getByRole("heading", { level: 3, name: /Caused by/ });
    assert.match((await chain.textContent()) ?? "", /KeyError/);
  },
);

journey(
  "the traceback as it was sent can be copied",
  stack,
  { permissions: ["clipboard-read", "clipboard-write"] },
  async (visitor) => {
    const { page } = visitor;
    const id = await send(stack, CHAINED);
    await visitor.visit("errors", `errors/${id}`);
    const copy = page.getByRole("button", { name: "Copy the traceback" });
    assert.ok(!(await copy.isVisible()), "it is folded away at first");
    await page.getByText("Traceback as it was sent").click();
    await copy.click();
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), CHAINED.traceback);
    await copy.getByText("Copy", { exact: true }).waitFor();
  },
);

journey("an event in pieces is shown whole, and says why it is grouped as it is", stack, {}, async (visitor) => {
  const { page } = visitor;
  const id = await send(stack, EVENT);
  assert.equal(await send(stack, { ...EVENT, release: "shop@1.3.0" }), id);
  await visitor.visit("errors", `errors/${id}`);
  const section = (name: string) => page.getByRole("region", { name });
  const code = page.locator(".frame .lines code");
  assert.deepEqual(
    (await code.allTextContents()).map((line) => line.trimEnd()),
    ["def view(request):", "    return total(cart)", "# the end"],
  );
  await page.getByText("1 local variable").click();
  await page.getByText('{"items":[1,2]}').waitFor();
  for (const text of ["anna@example.com", "SELECT * FROM cart", "web-1", "Context: runtime"]) {
    await page.getByText(text).first().waitFor();
  }
  assert.match((await section("Tags").textContent()) ?? "", /release[\s\S]*shop@1\.2\.0[\s\S]*1 · 50 %/);
  assert.match((await section("Events over time").textContent()) ?? "", /2 in the last week, at most [12] in one hour/);
  await page.getByText("Why these are one group").click();
  const words = section("Why these are one group").getByRole("listitem");
  assert.deepEqual(await words.allTextContents(), ["SkuMissing", "shop.cart view"]);
});

journey("request, user and extra of an occurrence are shown", stack, {}, async (visitor) => {
  const { page } = visitor;
  const id = await send(stack, CHAINED);
  await visitor.visit("errors", `errors/${id}`);
  const card = (title: string) =>
    page.locator("section.card", { has: page.getByRole("heading", { name: title, exact: true }) });
  const link = card("Request").getByRole("link");
  assert.equal(await link.getAttribute("href"), CHAINED.request_url);
  assert.match((await link.getAttribute("rel")) ?? "", /noreferrer/);
  assert.match(
    (await card("Request").textContent()) ?? "",
    /POST[\s\S]*User-Agent[\s\S]*Mozilla[\s\S]*X-Request-Id[\s\S]*req-77/,
  );
  assert.match((await card("User").textContent()) ?? "", /user-4711/);
  assert.deepEqual(JSON.parse((await page.locator("#extra").textContent()) ?? ""), CHAINED.extra);
});

journey("one steps through the kept occurrences", stack, {}, async (visitor) => {
  const { page } = visitor;
  let id = 0;
  for (let n = 1; n <= 7; n += 1) id = await send(stack, report(20, { message: `event number ${n}` }));
  await visitor.visit("errors", `errors/${id}`);
  const stepper = page.getByRole("navigation", { name: "Events" });
  const message = page.locator(".group-head .message");
  await stepper.getByText("Event 1 of 7 kept").waitFor();
  assert.equal(await message.textContent(), "event number 7");
  assert.equal(await page.locator(".tally .count").getAttribute("value"), "7");
  for (let position = 2; position <= 7; position += 1) {
    await stepper.getByRole("link", { name: "Older" }).click();
    await stepper.getByText(`Event ${position} of 7 kept`).waitFor();
    assert.equal(await message.textContent(), `event number ${8 - position}`);
  }
  assert.equal(await stepper.getByRole("link", { name: "Older" }).count(), 0);
  await page.reload();
  await stepper.getByText("Event 7 of 7 kept").waitFor();
  await stepper.getByRole("link", { name: "Newer" }).click();
  await stepper.getByText("Event 6 of 7 kept").waitFor();
  await page.locator("section", { hasText: "Kept events" }).getByRole("link").first().click();
  await stepper.getByText("Event 1 of 7 kept").waitFor();
});

journey("a resolved error leaves the list, and comes back when it happens again", stack, {}, async (visitor) => {
  const { page } = visitor;
  const again = report(30, { exception_type: "ComesBack" });
  const id = await send(stack, again);
  const tab = (name: RegExp) => page.getByRole("navigation", { name: "State" }).getByRole("link", { name }).click();

  await visitor.visit("errors", `errors/${id}`);
  assert.equal(await badge(visitor).textContent(), "new");
  await page.getByRole("button", { name: "Resolve" }).click();
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  assert.equal(await badge(visitor).textContent(), "resolved");
  assert.equal(page.url(), stack.url("errors", `errors/${id}`));

  await visitor.visit("errors");
  assert.equal(await rows(visitor, "ComesBack").count(), 0);
  await tab(/^Resolved/);
  await rows(visitor, "ComesBack").waitFor();

  await send(stack, again);
  await tab(/^Open/);
  await rows(visitor, "ComesBack").getByText("reopened", { exact: true }).waitFor();
  await page.getByRole("link", { name: /ComesBack/ }).click();
  await badge(visitor).waitFor();
  assert.equal(await badge(visitor).textContent(), "reopened");
  assert.equal(await page.locator(".tally .count").getAttribute("value"), "2");
});

journey("resolving by mistake is taken back with one click", stack, {}, async (visitor) => {
  const { page } = visitor;
  const id = await send(stack, report(40, { exception_type: "ByMistake" }));
  await visitor.visit("errors", `errors/${id}`);
  await page.getByRole("button", { name: "Resolve" }).click();
  await page.getByRole("button", { name: "Reopen" }).click();
  await page.getByRole("button", { name: "Resolve" }).waitFor();
  await page.locator(".crumbs").getByRole("link", { name: "Errors" }).click();
  await rows(visitor, "ByMistake").waitFor();
});

journey("resolving from the list stays in the list, with its filters", stack, {}, async (visitor) => {
  const { page } = visitor;
  await send(stack, report(50, { exception_type: "FromTheList", project: "listed" }));
  await send(stack, report(51, { exception_type: "StaysThere", project: "listed" }));
  await visitor.visit("errors", "?project=listed");
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Resolve FromTheList" }).click()]);
  await rows(visitor, "StaysThere").waitFor();
  assert.equal(await rows(visitor, "FromTheList").count(), 0);
  assert.equal(page.url(), stack.url("errors", "?project=listed"));
});

journey("an error that is not there says so", stack, {}, async (visitor) => {
  const { page } = visitor;
  visitor.expect(/404/);
  for (const path of ["errors/999999", "errors/x", "nowhere"]) {
    await visitor.visit("errors", path);
    await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
    assert.equal(await page.title(), "There is nothing here · Monlight Errors");
    await page.getByRole("link", { name: "Errors, first page" }).click();
    await page.waitForURL(stack.url("errors"));
  }
});
