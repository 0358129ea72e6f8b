// No mouse at all: nothing in this file clicks.

import assert from "node:assert/strict";

import type { Page } from "playwright-core";

import { journey, startStack } from "./journey.ts";
import { report, send } from "./reports.ts";

/** The text of what has the focus. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? "");

/** Whether what has the focus, or the row that its link is stretched over, has an outline. */
const showsFocus = (page: Page) =>
  page.evaluate(() => {
    const focused = document.activeElement ?? document.body;
    return [undefined, "::after"].some((part) => getComputedStyle(focused, part).outlineStyle === "solid");
  });

/** What the focus is on when it is on a row. */
const ROW = /basket \d+ is empty$/;

/** Presses the keys one after the other. */
async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Presses a key that leads to another page, or to this one anew. */
async function go(page: Page, key: string): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.keyboard.press(key)]);
}

const forTriage = await startStack();
journey("five errors are triaged with j, Enter, e and u", forTriage, {}, async (visitor) => {
  const { page } = visitor;
  for (let place = 1; place <= 5; place += 1)
    await send(forTriage, report(place, { exception_type: `Triage${place}` }));
  await visitor.visit("errors");
  for (let left = 5; left > 0; left -= 1) {
    assert.equal(await page.locator("[data-row]").count(), left);
    await press(page, "j");
    assert.match(await focused(page), /Triage/);
    await go(page, "Enter");
    await page.getByRole("heading", { level: 1, name: /Triage/ }).waitFor();
    await go(page, "e");
    await page.locator("h1 .badge.resolved").waitFor();
    await go(page, "u");
  }
  await page.getByRole("heading", { name: "Nothing is open" }).waitFor();
});

const forTicks = await startStack();
journey("x ticks rows, and E or a button of the bar does something with all of them", forTicks, {}, async (visitor) => {
  const { page } = visitor;
  for (let place = 1; place <= 5; place += 1) await send(forTicks, report(place, { exception_type: `Tick${place}` }));
  const ticked = page.locator("[data-row]:has(:checked) h2 strong");
  const left = page.locator("[data-row] h2 strong");
  await visitor.visit("errors");
  await press(page, "E");
  await press(page, "j", "x", "j", "x", "j", "x", "x");
  assert.deepEqual(await ticked.allTextContents(), ["Tick5", "Tick4"]);
  assert.match(await focused(page), /Tick3/, "a tick leaves the focus where it is");
  while ((await focused(page)) !== "Resolve in the next release") await press(page, "Shift+Tab");
  await press(page, "Shift+Tab");
  assert.equal(await focused(page), "Resolve");
  await go(page, "Enter");
  assert.deepEqual(await left.allTextContents(), ["Tick3", "Tick2", "Tick1"]);

  await press(page, "j", "x", "j", "x");
  await go(page, "E");
  assert.deepEqual(await left.allTextContents(), ["Tick1"]);
});

journey("m opens the menu of an error, Tab and Enter choose, Escape closes it", forTicks, {}, async (visitor) => {
  const { page } = visitor;
  const id = await send(forTicks, report(9, { exception_type: "Snoozed" }));
  const menu = page.locator("details.menu");
  await visitor.visit("errors", `errors/${id}`);
  await press(page, "m");
  assert.match(await focused(page), /More/);
  assert.ok(await showsFocus(page), "one sees where one is");
  await press(page, "Escape");
  assert.equal(await menu.getAttribute("open"), null);
  assert.match(await focused(page), /More/, "the way back is not lost");
  await press(page, "m");
  while ((await focused(page)) !== "a day") await press(page, "Tab");
  await go(page, "Enter");
  await page.locator("h1 .badge.snoozed").waitFor();
  await go(page, "s");
  await page.locator("h1 .badge.new").waitFor();
});

const stack = await startStack();
for (let place = 1; place <= 3; place += 1) await send(stack, report(place, { exception_type: `Row${place}` }));

journey("j and k walk along the rows and stop at the ends", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  const walked = [];
  for (const key of ["j", "j", "j", "j", "k", "k", "k"]) {
    await press(page, key);
    walked.push((await focused(page)).split(" ")[0]);
    assert.ok(await showsFocus(page), "one sees where one is");
  }
  assert.deepEqual(walked, ["Row3", "Row2", "Row1", "Row1", "Row2", "Row3", "Row3"]);
});

journey("e resolves the row with the focus and stays in the list", stack, {}, async (visitor) => {
  const { page } = visitor;
  await send(stack, report(4, { exception_type: "Doomed", project: "keys" }));
  await send(stack, report(5, { exception_type: "Spared", project: "keys" }));
  await visitor.visit("errors", "?project=keys");
  await press(page, "j", "j");
  assert.match(await focused(page), /Doomed/);
  await go(page, "e");
  assert.equal(page.url(), stack.url("errors", "?project=keys"));
  assert.deepEqual(await page.locator("[data-row] h2 strong").allTextContents(), ["Spared"]);
});

journey("without a row in focus, e resolves nothing", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  const before = await page.locator("[data-row]").count();
  await press(page, "e");
  await page.reload();
  assert.equal(await page.locator("[data-row]").count(), before);
});

journey("slash goes to the search, Escape leaves it, and keys typed there are text", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  const search = page.getByLabel("Search");
  await press(page, "/");
  assert.ok(await search.evaluate((field) => field === document.activeElement));
  await page.keyboard.type("jke?/[]ru");
  assert.equal(await search.inputValue(), "jke?/[]ru");
  assert.ok(!(await page.getByRole("dialog").isVisible()));
  assert.equal(page.url(), stack.url("errors"));

  await press(page, "Escape", "j");
  assert.match(await focused(page), ROW, "keys are keys again");
  await press(page, "/", "ControlOrMeta+a");
  await page.keyboard.type("Row2");
  await go(page, "Enter");
  assert.deepEqual(await page.locator("[data-row] h2 strong").allTextContents(), ["Row2"]);
});

journey("the question mark opens the help, and Escape closes it", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  const help = page.getByRole("dialog", { name: "Keyboard" });
  await press(page, "?");
  await help.waitFor();
  await press(page, "j");
  assert.doesNotMatch(await focused(page), ROW, "keys rest while the help is open");
  await press(page, "Escape");
  await help.waitFor({ state: "hidden" });
  await press(page, "j");
  assert.match(await focused(page), ROW);
});

journey("single keys can be switched off, and stay off", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  await press(page, "?");
  const box = page.getByLabel("Single-key shortcuts");
  while (!(await box.evaluate((box) => box === document.activeElement))) await press(page, "Tab");
  await press(page, "Space", "Escape");
  await page.reload();
  await press(page, "j");
  assert.doesNotMatch(await focused(page), ROW);
});

journey("with modifiers the keys are the browser's", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  await press(page, "Control+j", "Alt+j");
  assert.doesNotMatch(await focused(page), ROW);
});

journey("the first Tab leads past the header", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  await press(page, "Tab");
  assert.equal(await focused(page), "Skip to content");
  await press(page, "Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
});

journey("brackets turn pages of the list and steps of an error", stack, {}, async (visitor) => {
  const { page } = visitor;
  for (let place = 100; place < 151; place += 1)
    await send(stack, report(place, { project: "many", exception_type: "Many" }));
  await visitor.visit("errors", "?project=many");
  await go(page, "]");
  await page.getByText("51–51 of 51").waitFor();
  await go(page, "[");
  await page.getByText("1–50 of 51").waitFor();

  const id = await send(stack, report(1));
  await send(stack, report(1));
  await visitor.visit("errors", `errors/${id}`);
  await go(page, "]");
  await page.getByText("Event 2 of 2 kept").waitFor();
  await go(page, "[");
  await page.getByText("Event 1 of 2 kept").waitFor();
});

journey("c copies the traceback", stack, { permissions: ["clipboard-read", "clipboard-write"] }, async (visitor) => {
  const { page } = visitor;
  const one = report(60, { exception_type: "Copied" });
  await visitor.visit("errors", `errors/${await send(stack, one)}`);
  await page.evaluate(() => navigator.clipboard.writeText("nothing yet"));
  await press(page, "c");
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) !== "nothing yet");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), one.traceback);
});
