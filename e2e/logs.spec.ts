// The log page: what comes, what is found, what stood around it; by mouse, by keyboard, on the phone.

import assert from "node:assert/strict";

import type { Page } from "playwright-core";

import { journey, startStack } from "./journey.ts";
import { Container, sendLines, shop } from "./logs.ts";
import { report, send } from "./reports.ts";

const stack = await startStack();
/** One that is written to while it is looked at. */
const busy = await startStack();
await sendLines(stack, shop(1_000));

const rows = (page: Page) => page.locator("#entries li.entry");
const total = (page: Page) => page.locator("#total");

journey("a line that a container writes is on the page at once", busy, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs");
  await page.getByRole("heading", { name: "Waiting for the first line" }).waitFor();
  const web = await Container.run(busy, "web");
  await web.say("the first line");
  await rows(page).filter({ hasText: "the first line" }).waitFor();

  await web.say("the second line");
  await rows(page).filter({ hasText: "the second line" }).waitFor();
  assert.match((await rows(page).first().textContent()) ?? "", /the second line/, "the newest is at the top");
  await page.getByText(/^2 entries$/).waitFor();
});

journey("who reads further down is not disturbed, and told how much is new", busy, {}, async (visitor) => {
  const { page } = visitor;
  await sendLines(busy, Array.from({ length: 150 }, (_, i) => ({ container: "web", message: `old ${i}` })));
  await visitor.visit("logs", "?container=web");
  await page.locator("#live[data-state=on]").waitFor();
  await page.evaluate(() => addEventListener("scrollend", () => Object.assign(globalThis, { isAtRest: true })));
  await page.mouse.wheel(0, 1_500);
  await page.waitForFunction(() => scrollY > 1_000 && "isAtRest" in globalThis);
  const seen = await rows(page).nth(100).boundingBox();
  await sendLines(busy, Array.from({ length: 30 }, (_, i) => ({ container: "web", message: `new ${i}` })));
  const news = page.getByRole("button", { name: "30 new" });
  await news.waitFor();
  assert.equal((await rows(page).nth(100).boundingBox())?.y, seen?.y, "nothing moved");
  await news.click();
  await rows(page).filter({ hasText: "new 29" }).waitFor();
  assert.equal(await page.evaluate(() => scrollY), 0);
  assert.match((await rows(page).first().textContent()) ?? "", /new 29/);

  await page.keyboard.press("l");
  await page.locator("#live[aria-pressed=false]").waitFor();
  await sendLines(busy, [{ container: "web", message: "while paused" }]);
  await page.keyboard.press("l");
  await rows(page).filter({ hasText: "while paused" }).waitFor();
});

journey("what comes in live counts in the legend, a level that is new with a row of its own, and for its container", busy, {}, async (visitor) => {
  const { page } = visitor;
  const count = (row: string) => page.locator(`${row} data.count`).getAttribute("value");
  await page.clock.install();
  await visitor.visit("logs", "?search=livetwo");
  await page.getByRole("heading", { name: "No entries match" }).waitFor();
  await page.locator("#live[data-state=on]").waitFor();
  await sendLines(busy, [{ container: "two", level: "INFO", message: "livetwo 0" }]);
  await total(page).getByText(/^1 entry$/).waitFor();
  await page.locator("#live[data-state=on]").waitFor();
  for (let n = 1; n < 6; n += 1) {
    await sendLines(busy, [{ container: "two", level: n % 2 ? "ERROR" : "INFO", message: `livetwo ${n}` }]);
    await total(page).getByText(`${n + 1} entr`).waitFor();
  }
  assert.deepEqual(await page.locator(".legend li:visible").allTextContents(), ["Error 3", "Info 3"]);
  assert.equal(await count(".legend [data-level=ERROR]"), "3");
  assert.equal(await count("[data-name=two]"), "1", "as it was when the page was made");

  // The search finds none of these; what the containers have said in all tells of them.
  await sendLines(busy, ["new", "two"].map((container) => ({ container, level: "ERROR", message: "something else" })));
  await page.clock.runFor(10_000);
  await page.locator("[data-name=two] data.count[value='7']").waitFor();
  assert.match((await page.locator("[data-name=two] .share").textContent()) ?? "", /^57 %/);
  await page.getByLabel("new").check();
  await page.waitForURL(/container=new/);
});

journey("search, level and container narrow the list, and the address says how", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs");
  await total(page).getByText("1,000 entries").waitFor();
  await page.getByRole("searchbox").fill("order placed");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\?search=order\+placed$/);
  await total(page).getByText("200 entries").waitFor();

  await visitor.visit("logs");
  await page.getByLabel("Level").selectOption({ label: "Error and above" });
  await page.waitForURL(/level=/);
  await total(page).getByText("20 entries").waitFor();
  await Promise.all([page.waitForEvent("load"), page.goBack()]);
  assert.equal(await page.getByLabel("Level").inputValue(), "", "what held there");
  await Promise.all([page.waitForEvent("load"), page.goForward()]);
  await page.getByRole("link", { name: "Clear filters" }).click();
  await page.waitForURL((url) => !url.searchParams.has("level"));

  await page.getByLabel("worker").check();
  await page.waitForURL(/container=worker/);
  await total(page).getByText("200 entries").waitFor();
  await page.locator(".legend").getByRole("link", { name: /^Warning/ }).click();
  await page.waitForURL(/level=WARNING/);
  await total(page).getByText(/^6\d entries$/).waitFor();

  await page.getByRole("searchbox").fill("nothing of the kind");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "No entries match" }).waitFor();
  await page.getByRole("main").getByRole("link", { name: "Clear filters" }).last().click();
  await total(page).getByText("1,000 entries").waitFor();
});

journey("a range is chosen by dragging over the volume", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs");
  const box = await page.locator("#volume").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.4, box.y + 20);
  await page.locator("#volume-at").getByText(/info/).waitFor();
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=.*to=/);
  await page.waitForLoadState();
  assert.equal(await page.getByRole("link", { name: "Clear filters" }).count(), 0, "a range is no filter");
  await page.setViewportSize({ width: 1440, height: 800 });
  const range = page.locator(".range summary span").last();
  assert.ok(await range.evaluate((it) => it.scrollWidth <= it.clientWidth || it.clientWidth === 0), "all of the range is seen");
  const shown = Number((await total(page).textContent())?.replace(/\D/g, ""));
  assert.ok(shown > 100 && shown < 350, `${shown} of 1,000 in a fifth of the time`);
  assert.equal(await page.locator("#live[aria-pressed=true]").count(), 0, "what is over is not live");
});

journey("an entry unfolds to fields that filter, and to what stood around it", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs", "?search=order");
  await rows(page).first().locator(".text").click();
  const open = page.locator("li.entry.open");
  await open.getByRole("cell", { name: "order placed", exact: true }).waitFor();
  await open.getByRole("button", { name: "Around it" }).click();
  await open.locator(".around li.here").waitFor();
  assert.ok((await open.locator(".around li").count()) > 10);
  assert.equal(await open.getByRole("link", { name: "Errors of that minute" }).count(), 1);

  const user = (await open.getByRole("row", { name: /^user\.id/ }).getByRole("cell").first().textContent()) ?? "";
  await open.getByRole("link", { name: `Only user.id:${user}` }).click();
  await page.waitForURL(/user\.id/);
  const found = Number((await total(page).textContent())?.replace(/\D/g, ""));
  assert.ok(found > 20 && found < 40, `${found} of 200 orders are of one in seven`);
});

journey("a link to an entry opens fresh, with what stood around it", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs", "?level=ERROR");
  const href = await rows(page).first().locator("a.at").getAttribute("href");
  await visitor.visit("logs", href ?? "");
  await page.locator("#message").getByText("KeyError: 'jam'").waitFor();
  await page.locator("li.here").waitFor();
  assert.ok((await page.locator(".around li.entry").count()) > 30);
  await page.getByRole("link", { name: "All logs of that minute" }).click();
  await page.waitForURL(/from=/);
  await rows(page).filter({ hasText: "nginx" }).first().waitFor();
});

journey("a line leads to the errors of its minute, and only to those", stack, {}, async (visitor) => {
  const { page } = visitor;
  await send(stack, report(1));
  await sendLines(stack, [{ container: "till", message: "beep" }]);
  await visitor.visit("logs", "?container=till");
  await rows(page).first().locator(".text").click();
  await page.getByRole("link", { name: "Errors of that minute" }).click();
  await page.getByRole("link", { name: /basket 1 is empty/ }).waitFor();
  await page.getByText(/^around /).waitFor();

  await visitor.visit("logs", "?container=nginx");
  const oldest = await rows(page).last().locator("a.at").getAttribute("href");
  await visitor.visit("logs", oldest ?? "");
  await page.getByRole("link", { name: "Errors of that minute" }).click();
  await page.getByRole("heading", { name: "No errors match" }).waitFor();
});

journey("the tracker's link to the logs of a minute leads to them", stack, {}, async (visitor) => {
  const { page } = visitor;
  const at = Date.now() - 1_000_000;
  const time = (ms: number) => encodeURIComponent(new Date(ms).toISOString());
  await visitor.visit("logs", `?from=${time(at - 30_000)}&to=${time(at + 30_000)}`);
  const shown = Number((await total(page).textContent())?.replace(/\D/g, ""));
  assert.ok(shown >= 29 && shown <= 31, `${shown} entries of one minute, one every two seconds`);
});

journey("without a mouse one walks, unfolds, copies and wraps", stack, { permissions: ["clipboard-read", "clipboard-write"] }, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs", "?level=ERROR");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  const open = page.locator("li.entry.open");
  await open.getByRole("button", { name: "Copy" }).waitFor();
  assert.equal(await open.evaluate((it) => [...(it.parentElement?.children ?? [])].indexOf(it)), 1, "the second row");
  await page.keyboard.press("c");
  await open.getByRole("button", { name: "Copied" }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^Traceback[^]*KeyError: 'jam'$/);
  await page.keyboard.press("x");
  await open.locator(".around li.here").waitFor();
  await page.keyboard.press("Enter");
  await open.waitFor({ state: "detached" });
  await page.keyboard.press("w");
  await page.locator("#wrap[aria-pressed=true]").waitFor();
  await page.reload();
  await page.locator("#wrap[aria-pressed=true]").waitFor();
  await page.keyboard.press("t");
  await page.getByRole("button", { name: "15 min" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("jam");
  await page.keyboard.press("Enter");
  await page.waitForURL(/search=jam/);
});

journey("what an entry holds is shown as text, in its colours", stack, {}, async (visitor) => {
  const { page } = visitor;
  const evil = `<img src=x onerror=alert(1)> javascript:alert(1) \u001b[31m<b>red</b>\u001b[0m https://a.example/?q=<i>`;
  await sendLines(stack, [{ container: "<evil>", message: evil, at: Date.now() - 86_400_000 }]);
  await visitor.visit("logs", "?container=%3Cevil%3E");
  const text = rows(page).first().locator(".text");
  assert.equal(await text.textContent(), evil.replace(/\u001b\[\d+m/g, ""));
  assert.equal(await text.locator(".fg1").textContent(), "<b>red</b>");
  assert.deepEqual(await text.locator("a").evaluateAll((all) => all.map((it) => (it as HTMLAnchorElement).href)), ["https://a.example/?q="]);
  await text.click();
  await page.locator("li.open .unfolded").waitFor();
  assert.equal(await text.textContent(), evil.replace(/\u001b\[\d+m/g, ""));
});

journey("without script one searches, narrows and turns pages", stack, { javaScriptEnabled: false }, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs");
  assert.equal(await rows(page).count(), 200);
  await page.getByRole("link", { name: "Older" }).click();
  await page.waitForURL(/cursor=/);
  assert.equal(await rows(page).count(), 200);
  await page.getByLabel("nginx").check();
  await page.getByRole("searchbox").fill("404");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/container=nginx/);
  await total(page).getByText(/^\d+ entries$/).waitFor();
  await rows(page).first().locator("a.at").click();
  await page.getByRole("heading", { level: 1, name: /^Entry/ }).waitFor();
});
