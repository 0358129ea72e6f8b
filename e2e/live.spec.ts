// An open list keeps itself up to date over the stream of the real tracker; nobody reloads anything.

import assert from "node:assert/strict";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { post, report, send } from "./reports.ts";

const stack = await startStack();
const names = ({ page }: Visitor) => page.locator("[data-row] h2 strong").allTextContents();
/** Sends one of the project; the later, the higher in the list. */
const happens = (project: string, name: string) =>
  send(stack, report(name.length, { project, exception_type: name, message: name }));

/** Opens the list of a project of three, and marks the page so that a reload shows. */
async function open(visitor: Visitor, project: string): Promise<void> {
  for (const name of ["A", "Bb", "Ccc"]) await happens(project, name);
  const isOpen = visitor.page.waitForRequest(stack.url("errors", "api/live"));
  await visitor.visit("errors", `?project=${project}`);
  await isOpen;
  await visitor.page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }));
}

/** Waits for these rows; `fresh` are those that are marked at that moment, as any further word takes the marks away. */
async function shows(visitor: Visitor, expected: string[], fresh?: string[]): Promise<void> {
  await visitor.page.waitForFunction(
    ([expected, fresh]) => {
      const [shown, marked] = ["[data-row]", "[data-row].fresh"].map((rows) =>
        [...document.querySelectorAll(`${rows} h2 strong`)].map((it) => it.textContent).join(),
      );
      return shown === expected && (fresh === undefined || marked === fresh);
    },
    [expected.join(), fresh?.join()] as const,
  );
  assert.ok(await visitor.page.evaluate(() => "isTheSamePage" in globalThis), "no reload");
}

journey("a new error comes in marked, with the counts of the tabs", stack, {}, async (visitor) => {
  const { page } = visitor;
  await open(visitor, "rows");
  await happens("rows", "Dddd");
  await shows(visitor, ["Dddd", "Ccc", "Bb", "A"], ["Dddd"]);
  await page.getByRole("navigation", { name: "State" }).getByRole("link", { name: "Open 4" }).waitFor();
  assert.match((await page.locator("[data-row] time").first().textContent()) ?? "", /now|sec/, "times are the reader's");
  await page.getByRole("status").getByText("List updated").waitFor({ state: "attached" });
});

journey("focus and ticks stay with their rows", stack, {}, async (visitor) => {
  const { page } = visitor;
  await open(visitor, "focus");
  const active = () => page.evaluate(() => document.activeElement?.closest("[data-row]")?.querySelector("strong")?.textContent);
  for (const key of ["j", "x", "j"]) await page.keyboard.press(key);
  assert.equal(await active(), "Bb");
  await happens("focus", "Dddd");
  await shows(visitor, ["Dddd", "Ccc", "Bb", "A"]);
  assert.equal(await active(), "Bb");
  assert.deepEqual(await page.locator("[data-row]:has(:checked) strong").allTextContents(), ["Ccc"]);
  await page.getByRole("form", { name: "With all that is ticked" }).waitFor();

  await page.getByRole("button", { name: "Resolve Bb" }).focus();
  await happens("focus", "Eeeee");
  await shows(visitor, ["Eeeee", "Dddd", "Ccc", "Bb", "A"]);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Resolve Bb");
});

journey("what another one resolves leaves the list, and the last one leaves a word", stack, {}, async (visitor) => {
  const { page } = visitor;
  await open(visitor, "leaving");
  const ids = await page.locator("[data-row] [name=id]").evaluateAll((all) => all.map((it) => (it as HTMLInputElement).value));
  await post(stack, `errors/${ids[1]}/resolve`);
  await shows(visitor, ["Ccc", "A"]);
  await post(stack, "errors/bulk", { action: "resolve", ids: [Number(ids[0]), Number(ids[2])] });
  await page.getByRole("heading", { name: "No open errors match" }).waitFor();
  await happens("leaving", "Bb");
  await page.getByRole("link", { name: /Bb/ }).waitFor();
  assert.deepEqual(await names(visitor), ["Bb"]);
});

journey("an error that is open tells of newer events and of its state, and keeps the event that is read", stack, {}, async (visitor) => {
  const { page } = visitor;
  const happens = (message: string) => send(stack, report(90, { project: "open", message }));
  const id = await happens("the first");
  const isOpen = page.waitForRequest(stack.url("errors", "api/live"));
  await visitor.visit("errors", `errors/${id}`);
  await isOpen;
  await page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }));
  const badge = (word: string) => page.locator("h1 .badge", { hasText: word }).waitFor();
  await page.getByRole("textbox", { name: "Note" }).fill("half a note");

  await post(stack, `errors/${id}/resolve`);
  await badge("resolved");
  await page.getByRole("button", { name: "Reopen" }).waitFor();
  await happens("the second");
  await badge("reopened");
  await page.getByRole("button", { name: "1 newer event — show it" }).waitFor();
  await page.locator("#activities").getByText("came back").waitFor();
  await happens("the third");
  const news = page.getByRole("button", { name: "2 newer events — show the newest" });
  await news.waitFor();
  await page.locator("#facts .count[value='3']").waitFor();
  assert.equal(await page.locator(".group-head .message").textContent(), "the first");
  assert.equal(await page.getByRole("textbox", { name: "Note" }).inputValue(), "half a note");
  assert.ok(await page.evaluate(() => "isTheSamePage" in globalThis), "no reload");
  await page.locator("h1").click();
  await page.getByRole("textbox", { name: "Note" }).fill("");
  await page.locator("h1").click();
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("r")]);
  assert.equal(await page.locator(".group-head .message").textContent(), "the third");
});

journey("a text that the reader has selected is not taken away", stack, {}, async (visitor) => {
  const { page } = visitor;
  await page.clock.install();
  await open(visitor, "reading");
  // In one go: what came last before may be told only now, and puts other rows in place.
  await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("[data-row]") as Element));
  await page.evaluate(async () => {
    const source = new EventSource("api/live");
    source.addEventListener("changed", () => Object.assign(globalThis, { wasTold: true }));
    await new Promise((resolve) => source.addEventListener("open", resolve));
  });
  await happens("reading", "Dddd");
  await page.waitForFunction(() => "wasTold" in globalThis);
  await page.clock.runFor(10_000);
  assert.deepEqual(await names(visitor), ["Ccc", "Bb", "A"]);
  await page.evaluate(() => getSelection()?.removeAllRanges());
  await shows(visitor, ["Dddd", "Ccc", "Bb", "A"]);
});

journey("a page whose stream is refused asks no more once it is signed out", stack, {}, async (visitor) => {
  const { page, context } = visitor;
  visitor.expect(/503|401/);
  await page.clock.install();
  await page.route("**/api/live", (route) => route.fulfill({ status: 503 }));
  await visitor.visit("errors");
  await context.clearCookies();
  const turnedAway = page.waitForResponse((response) => response.status() === 401);
  await page.clock.runFor(10_000);
  await turnedAway;
  // The page may hear of it a moment later than we do, and ask once more till then.
  await page.clock.runFor(600_000);
  await page.evaluate(() => fetch("health"));
  let n_asked = 0;
  page.on("request", () => (n_asked += 1));
  await page.clock.runFor(600_000);
  await page.evaluate(() => fetch("health"));
  assert.equal(n_asked, 1, "only what the test asks itself");
});

journey("signing out elsewhere ends it, and leaves what was read", stack, {}, async (visitor) => {
  const { page, context } = visitor;
  visitor.expect(/401/);
  await open(visitor, "leave");
  const other = await context.newPage();
  await other.goto(stack.url("errors"));
  // What came last before may be told only now: that asks as well, and is turned away.
  const turnedAway = page.waitForResponse((response) => response.url().includes("/login"));
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.getByLabel("API key").waitFor();
  await happens("leave", "Dddd");
  await turnedAway;
  assert.deepEqual(await names(visitor), ["Ccc", "Bb", "A"]);
});
