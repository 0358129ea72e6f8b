// Working through errors: the next release, snoozing, merging, many at once, notes.

import assert from "node:assert/strict";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { type Report, report, send, sendMany } from "./reports.ts";

const badge = ({ page }: Visitor) => page.locator("h1 .badge");
const events = ({ page }: Visitor) => page.locator(".tally .count").first().getAttribute("value");
const rows = ({ page }: Visitor, name = "") => page.locator("[data-row]", { hasText: name });
const history = ({ page }: Visitor) => page.getByRole("region", { name: "Notes and history" }).getByRole("listitem");
const tab = ({ page }: Visitor, name: RegExp) =>
  page.getByRole("navigation", { name: "State" }).getByRole("link", { name });

/** Presses what is in the menu of a group's page. */
async function more({ page }: Visitor, button: string): Promise<void> {
  await page.getByText("More", { exact: true }).click();
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: button, exact: true }).click()]);
}

const released = await startStack();
journey("what is resolved in the next release comes back only in a newer one", released, {}, async (visitor) => {
  const { page } = visitor;
  const of = (release: string) => send(released, report(1, { release }));
  await of("shop@1.4.0");
  const id = await of("shop@1.5.0");
  await visitor.visit("errors", `errors/${id}`);
  await more(visitor, "Resolve in the next release");
  await badge(visitor).getByText("resolved").waitFor();
  const facts = page.getByRole("region", { name: "Facts" });
  await facts.getByText("Reopens in a release after").waitFor();
  assert.match((await facts.textContent()) ?? "", /Reopens in a release after\s*shop@1\.5\.0/);
  await history(visitor).getByText("resolved it in the release after shop@1.5.0").waitFor();

  for (const release of ["shop@1.5.0", "shop@1.4.0"]) await of(release);
  await page.reload();
  assert.equal(await events(visitor), "4", "they are counted");
  assert.equal(await badge(visitor).textContent(), "resolved", "and no news");

  await of("shop@1.10.0");
  await page.reload();
  assert.equal(await badge(visitor).textContent(), "reopened");
  assert.equal(await facts.getByText("Reopens in a release after").count(), 0);
  await history(visitor).getByText("came back in shop@1.10.0").waitFor();
});

journey("a project without releases has no next one", released, {}, async (visitor) => {
  const id = await send(released, report(2, { project: "plain" }));
  await visitor.visit("errors", `errors/${id}`);
  await visitor.page.getByText("More", { exact: true }).click();
  await visitor.page.getByRole("button", { name: "a day", exact: true }).waitFor();
  assert.equal(await visitor.page.getByRole("button", { name: "Resolve in the next release" }).count(), 0);
});

const sleepy = await startStack();
journey("what is snoozed until 100 more events is out of the way until they came", sleepy, {}, async (visitor) => {
  const { page } = visitor;
  const loud = report(1, { exception_type: "Loud" });
  const id = await send(sleepy, loud);
  await visitor.visit("errors", `errors/${id}`);
  await more(visitor, "100 more events");
  assert.equal(await badge(visitor).textContent(), "snoozed");
  await page.getByText("101 events in all").waitFor();

  await page.goto(sleepy.url("errors"));
  await page.getByRole("heading", { name: "Nothing is open" }).waitFor();
  await sendMany(sleepy, loud, 99);
  await page.goto(sleepy.url("errors", `errors/${id}`));
  assert.equal(await events(visitor), "100");
  assert.equal(await badge(visitor).textContent(), "snoozed");
  await page.goto(sleepy.url("errors"));
  await tab(visitor, /^Snoozed/).click();
  await rows(visitor, "Loud").waitFor();

  await tab(visitor, /^Open/).click();
  await page.getByRole("heading", { name: "Nothing is open" }).waitFor();
  await send(sleepy, loud);
  await rows(visitor, "Loud").waitFor();
  await rows(visitor, "Loud").getByRole("link").click();
  await history(visitor).getByText("woke up").waitFor();
});

journey("what is snoozed for a day says until when, and can be woken", sleepy, {}, async (visitor) => {
  const { page } = visitor;
  const id = await send(sleepy, report(2, { exception_type: "Tired" }));
  await visitor.visit("errors", `errors/${id}`);
  await more(visitor, "a day");
  assert.equal(await badge(visitor).textContent(), "snoozed");
  await history(visitor).getByText("snoozed it for 1 day").waitFor();
  const fact = page.getByRole("region", { name: "Facts" }).locator("div", { hasText: "Snoozed until" });
  const until = await fact.locator("time").getAttribute("datetime");
  const tomorrow = Date.parse(until ?? "") - 86_400_000;
  const snoozedAt = await history(visitor).locator("time").first().getAttribute("datetime");
  assert.ok(Math.abs(tomorrow - Date.parse(snoozedAt ?? "")) <= 1000, `${until} is a day after ${snoozedAt}`);

  await page.getByRole("button", { name: "Wake" }).click();
  await badge(visitor).getByText("new").waitFor();
  await page.goto(sleepy.url("errors"));
  await rows(visitor, "Tired").waitFor();
});

const merging = await startStack();
journey("merged errors are one, and each its own again when taken out", merging, {}, async (visitor) => {
  const { page } = visitor;
  const [one, two] = [report(1, { exception_type: "Cause" }), report(2, { exception_type: "Symptom" })];
  const into = await send(merging, one);
  const other = await send(merging, two);
  await sendMany(merging, two, 2);

  await visitor.visit("errors", `errors/${into}`);
  await page.getByText("More", { exact: true }).click();
  await page.getByLabel("Merge another error into this one").fill(`#${other}`);
  await page.keyboard.press("Enter");
  const members = page.getByRole("region", { name: "Merged into this one" });
  await members.getByText("Symptom").waitFor();
  assert.match((await members.getByRole("listitem").textContent()) ?? "", new RegExp(`#${other}[^]*3 events`));
  assert.equal(await events(visitor), "4");

  await sendMany(merging, two, 2);
  await send(merging, one);
  await visitor.visit("errors", `errors/${other}`);
  assert.equal(page.url(), merging.url("errors", `errors/${into}`), "its address leads to the whole");
  assert.equal(await events(visitor), "7");
  await visitor.visit("errors");
  assert.equal(await rows(visitor).count(), 1);

  await visitor.visit("errors", `errors/${into}`);
  await members.getByRole("button", { name: `Take out again: #${other}` }).click();
  await members.waitFor({ state: "hidden" });
  assert.equal(await events(visitor), "2");
  await visitor.visit("errors", `errors/${other}`);
  assert.equal(page.url(), merging.url("errors", `errors/${other}`));
  assert.equal(await events(visitor), "5", "with what came meanwhile");
  await history(visitor).getByText(`took it apart from #${into}`).waitFor();
  await visitor.visit("errors");
  assert.equal(await rows(visitor).count(), 2);
});

journey("a number that is none of this project's errors is not merged, in words", merging, {}, async (visitor) => {
  const { page } = visitor;
  visitor.expect(/40[49]/);
  const id = await send(merging, report(3));
  const foreign = await send(merging, report(4, { project: "blog" }));
  for (const [number, words] of [
    [String(foreign), `group ${foreign} is of another project`],
    [String(id), `group ${id} cannot be merged into itself`],
    ["999999", "no such group: 999999"],
  ] as const) {
    await visitor.visit("errors", `errors/${id}`);
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Merge another error into this one").fill(number);
    await page.keyboard.press("Enter");
    await page.getByText(words).first().waitFor();
  }
});

const many = await startStack();
/** Four groups of a project of their own; ticks all but the last sent. */
async function tickThree(visitor: Visitor, project: string, over: Partial<Report> = {}): Promise<void> {
  for (const [i, name] of ["First", "Second", "Third", "Spared"].entries()) {
    await send(many, report(i + 1, { project, exception_type: name, ...over }));
  }
  await visitor.visit("errors", `?project=${project}`);
  const bar = visitor.page.getByRole("form", { name: "With all that is ticked" });
  assert.ok(!(await bar.isVisible()), "nothing is ticked yet");
  for (const name of ["First", "Second", "Third"]) await visitor.page.getByLabel(`Tick ${name}`).check();
  await bar.waitFor();
}

/** Presses a button of the bar. The list stays where it was. */
async function withTicked({ page }: Visitor, button: string): Promise<void> {
  const bar = page.getByRole("form", { name: "With all that is ticked" });
  const address = page.url();
  await Promise.all([page.waitForEvent("load"), bar.getByRole("button", { name: button, exact: true }).click()]);
  assert.equal(page.url(), address);
}

const titles = ({ page }: Visitor) => page.locator("[data-row] h2 strong").allTextContents();

journey("three are ticked and resolved at once, and reopened", many, {}, async (visitor) => {
  await tickThree(visitor, "resolving");
  await withTicked(visitor, "Resolve");
  assert.deepEqual(await titles(visitor), ["Spared"]);
  await tab(visitor, /^Resolved/).click();
  await rows(visitor, "Third").waitFor();
  for (const name of ["First", "Second", "Third"]) await visitor.page.getByLabel(`Tick ${name}`).check();
  await withTicked(visitor, "Reopen");
  await tab(visitor, /^Open/).click();
  await rows(visitor, "Spared").waitFor();
  await visitor.page.waitForLoadState();
  assert.deepEqual((await titles(visitor)).sort(), ["First", "Second", "Spared", "Third"]);
});

journey("three are ticked and snoozed, or resolved in the next release", many, {}, async (visitor) => {
  await tickThree(visitor, "snoozing", { release: "2.0" });
  await withTicked(visitor, "Snooze for a day");
  assert.deepEqual(await titles(visitor), ["Spared"]);
  await tickThree(visitor, "releasing", { release: "2.0" });
  await withTicked(visitor, "Resolve in the next release");
  assert.deepEqual(await titles(visitor), ["Spared"]);
  await send(many, report(1, { project: "releasing", exception_type: "First", release: "2.0" }));
  await visitor.page.reload();
  assert.deepEqual(await titles(visitor), ["Spared"]);
});

journey("three are ticked and merged", many, {}, async (visitor) => {
  await tickThree(visitor, "merging");
  await withTicked(visitor, "Merge");
  assert.equal(await rows(visitor).count(), 2);
  const whole = rows(visitor).filter({ hasNotText: "Spared" });
  assert.equal(await whole.locator(".row-num .count").first().getAttribute("value"), "3");
  await whole.getByRole("link").click();
  const members = visitor.page.getByRole("region", { name: "Merged into this one" }).getByRole("listitem");
  await members.first().waitFor();
  await visitor.page.waitForLoadState();
  assert.equal(await members.count(), 2);
});

journey("three are ticked and deleted, which takes a second click", many, {}, async (visitor) => {
  const { page } = visitor;
  await tickThree(visitor, "deleting");
  await page.locator("#bulk summary", { hasText: "Delete" }).click();
  await withTicked(visitor, "Delete all that is ticked");
  assert.deepEqual(await titles(visitor), ["Spared"]);
  await tab(visitor, /^All/).click();
  await page.waitForURL(/resolved=all/);
  assert.deepEqual(await titles(visitor), ["Spared"]);
});

journey("one error is deleted from its page, which takes a second click", many, {}, async (visitor) => {
  const { page } = visitor;
  visitor.expect(/404/);
  const id = await send(many, report(9, { project: "single", exception_type: "Doomed" }));
  await visitor.visit("errors", `errors/${id}`);
  await page.getByText("More", { exact: true }).click();
  await page.getByText("Delete", { exact: true }).click();
  await page.getByRole("button", { name: "Delete it with all its events" }).click();
  await page.waitForURL(many.url("errors"));
  await visitor.visit("errors", `errors/${id}`);
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
});

const written = await startStack();
journey("notes are written, shown as text, and deleted; what was done stays", written, {}, async (visitor) => {
  const { page } = visitor;
  const id = await send(written, report(1));
  await visitor.visit("errors", `errors/${id}`);
  const hostile = `<img src=x onerror=alert(1)>\n</textarea><b>second line</b> \u202E{{7*7}}`;
  for (const note of ["See ticket 12.", hostile]) {
    await page.getByLabel("Note", { exact: true }).fill(note);
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Write it down" }).click()]);
  }
  const notes = page.locator(".note-text");
  assert.deepEqual(await notes.allTextContents(), [hostile, "See ticket 12."], "the newest first");
  assert.equal(await page.locator(".activity img, .activity b").count(), 0);
  await page.getByRole("button", { name: "Resolve" }).click();
  await history(visitor).getByText("Somebody signed in resolved it").waitFor();

  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Delete this note" }).first().click()]);
  await page.getByText("{{7*7}}").waitFor({ state: "hidden" });
  assert.deepEqual(await notes.allTextContents(), ["See ticket 12."]);
  assert.equal(page.url(), written.url("errors", `errors/${id}`));
  await page.getByRole("button", { name: "Reopen" }).click();
  await history(visitor).getByText("Somebody signed in reopened it").waitFor();
  await page.waitForLoadState();
  assert.equal(await history(visitor).count(), 3);
});
