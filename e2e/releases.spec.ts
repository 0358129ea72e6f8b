// What each release brought.

import assert from "node:assert/strict";

import { journey, startStack } from "./journey.ts";
import { post, report, send } from "./reports.ts";

const stack = await startStack();
const old = { release: "shop@1.9.0" };
const young = { release: "shop@1.10.0" };
for (let n = 0; n < 3; n += 1) await send(stack, report(1, { ...old, exception_type: "Everlasting" }));
const gone = await send(stack, report(2, { ...old, exception_type: "Mended" }));
await post(stack, `errors/${gone}/resolve`);
await send(stack, report(1, { ...young, exception_type: "Everlasting" }));
await send(stack, report(3, { ...young, exception_type: "Regression" }));
await send(stack, report(4, { project: "blog", release: "7", exception_type: "Elsewhere" }));

journey("each release says what it brought, and leads to it", stack, {}, async (visitor) => {
  const { page } = visitor;
  const titles = async () => (await page.locator("[data-row] h2 strong").allTextContents()).sort();
  const row = (version: string) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: version }) });
  const counts = (version: string) =>
    row(version)
      .locator(".count")
      .evaluateAll((all) => all.map((it) => it.getAttribute("value")));
  await visitor.visit("errors");
  await page.getByRole("navigation", { name: "Pages" }).first().getByRole("link", { name: "Releases" }).click();
  await page.getByRole("heading", { level: 1, name: "Releases" }).waitFor();
  await page.waitForLoadState();
  assert.deepEqual(await counts("shop@1.9.0"), ["2", "1", "4"], "new, of these still open, events");
  assert.deepEqual(await counts("shop@1.10.0"), ["1", "1", "2"]);
  await row("7").waitFor();

  await page.getByLabel("Project").selectOption("shop");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/project=shop/);
  await row("7").waitFor({ state: "hidden" });
  const versions = await page.getByRole("rowheader").allTextContents();
  assert.deepEqual(versions, ["shop@1.10.0", "shop@1.9.0"], "the newest first");

  await row("shop@1.9.0").getByRole("link", { name: "2 new" }).click();
  await page.getByText("new in shop@1.9.0").waitFor();
  await page.waitForLoadState();
  assert.deepEqual(await titles(), ["Everlasting", "Mended"]);
  await page.goBack();
  await row("shop@1.10.0").getByRole("link", { name: "shop@1.10.0" }).click();
  await page.getByText("release shop@1.10.0").waitFor();
  await page.waitForLoadState();
  assert.deepEqual(await titles(), ["Everlasting", "Regression"]);
  await page.getByRole("link", { name: "Any release" }).click();
  await page.waitForURL((url) => !url.searchParams.has("release"));
  assert.deepEqual(await titles(), ["Everlasting", "Mended", "Regression"]);
});

journey("an error's page marks the releases and leads from a tag to the list", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  await page.getByRole("link", { name: /Everlasting/ }).click();
  await page.waitForURL(/\/errors\/\d+/);
  const chart = page.getByRole("region", { name: "Events over time" });
  const marks = await chart.locator("svg title").allTextContents();
  assert.deepEqual(marks.sort(), ["shop@1.10.0", "shop@1.9.0"]);
  await page.getByRole("region", { name: "Tags" }).getByRole("link", { name: "shop@1.10.0" }).click();
  await page.locator(".chips .badge", { hasText: "shop@1.10.0" }).waitFor();
  await page.getByRole("link", { name: /Regression/ }).waitFor();
});

const empty = await startStack();
journey("without a release the page says how to name one", empty, {}, async (visitor) => {
  await visitor.visit("errors", "releases");
  await visitor.page.getByRole("heading", { name: "No release yet" }).waitFor();
  await visitor.page.getByRole("link", { name: "How to send errors" }).click();
  await visitor.page.getByRole("heading", { level: 1, name: "Send errors" }).waitFor();
});
