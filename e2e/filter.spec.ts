// Finding an error among many: filters, tabs, pages. The URL is the state.

import assert from "node:assert/strict";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { report, send } from "./reports.ts";
import { KEY } from "./stack.ts";

const stack = await startStack();
await send(
  stack,
  report(1, { project: "blog", exception_type: "RenderError", message: "template missing", environment: "staging" }),
);
await send(
  stack,
  report(2, {
    project: "blog",
    exception_type: "TypeError",
    message: "undefined is not a function",
    environment: "production",
    request_method: "BROWSER",
    extra: { page_url: "https://blog.example/", user_agent: "Firefox", session_id: "session-9" },
  }),
);
const resolved = await send(stack, report(3, { exception_type: "OldError", message: "long gone" }));
await fetch(stack.url("errors", `api/errors/${resolved}/resolve`), { method: "POST", headers: { "X-API-Key": KEY } });
const bulk = Array.from({ length: 120 }, (_, i) => report(10 + i, { project: "bulk", exception_type: "BulkError" }));
await Promise.all(bulk.map((report) => send(stack, report)));

const titles = ({ page }: Visitor) => page.locator("[data-row] h2 strong").allTextContents();
const query = ({ page }: Visitor) =>
  Object.fromEntries([...new URL(page.url()).searchParams].filter(([, value]) => value));

/** The list shows these types, the URL says this, and both still do after a reload. */
async function shows(visitor: Visitor, expected: string[], inUrl: Record<string, string>): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual((await titles(visitor)).sort(), expected);
    assert.deepEqual(query(visitor), inUrl);
    await visitor.page.reload();
  }
}

async function filter({ page }: Visitor, choose: () => Promise<unknown>): Promise<void> {
  await choose();
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Filter" }).click()]);
}

journey("one finds an error by words, project, environment, source and time", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors");
  await page.getByLabel("Search").fill("template");
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
  await shows(visitor, ["RenderError"], { search: "template" });
  assert.equal(await page.getByLabel("Search").inputValue(), "template");

  await visitor.visit("errors");
  await filter(visitor, () => page.getByLabel("Project").selectOption("blog"));
  await shows(visitor, ["RenderError", "TypeError"], { project: "blog" });

  await filter(visitor, () => page.getByLabel("Environment").selectOption("staging"));
  await shows(visitor, ["RenderError"], { project: "blog", environment: "staging" });

  await visitor.visit("errors");
  await filter(visitor, () => page.getByLabel("Source").selectOption("Browser"));
  await shows(visitor, ["TypeError"], { source: "browser" });
  await filter(visitor, () => page.getByLabel("Last seen").selectOption("Last hour"));
  await shows(visitor, ["TypeError"], { source: "browser", time: "1h" });
});

journey("a filter that holds no more does not stay chosen when one goes back", stack, {}, async (visitor) => {
  const { page } = visitor;
  const project = page.getByLabel("Project");
  for (const [path, button] of [
    ["", "Filter"],
    ["releases", "Filter"],
  ] as const) {
    await visitor.visit("errors", path);
    await project.selectOption("blog");
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: button }).click()]);
    assert.equal(await project.inputValue(), "blog");
    await Promise.all([page.waitForEvent("load"), page.goBack()]);
    assert.equal(await project.inputValue(), "", path);
  }
  // From memory, where the browser keeps pages.
  await project.selectOption("blog");
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  assert.equal(await project.inputValue(), "");
});

journey("a tab keeps the filters, and a filter keeps the tab", stack, {}, async (visitor) => {
  const { page } = visitor;
  const tab = (name: RegExp) => page.getByRole("navigation", { name: "State" }).getByRole("link", { name });
  await visitor.visit("errors", "?search=gone");
  await page.getByRole("heading", { name: "No open errors match" }).waitFor();
  await tab(/^Resolved/).click();
  await page.getByText("OldError").first().waitFor();
  await shows(visitor, ["OldError"], { search: "gone", resolved: "true" });
  await filter(visitor, () => page.getByLabel("Project").selectOption("shop"));
  await shows(visitor, ["OldError"], { search: "gone", project: "shop", resolved: "true" });
  await tab(/^All/).click();
  await page.waitForURL(/resolved=all/);
  await shows(visitor, ["OldError"], { search: "gone", project: "shop", resolved: "all" });
});

journey("filters that nothing fits say so and can be cleared", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors", "?project=blog&search=nonsense&time=0s");
  await page.getByRole("heading", { name: "No open errors match" }).waitFor();
  assert.equal(await page.getByLabel("Project").inputValue(), "blog", "the form shows what is asked");
  assert.equal(await page.getByLabel("Last seen").inputValue(), "0s", "a time of one's own as well");
  await page.getByRole("link", { name: "Clear filters" }).last().click();
  await page.locator("[data-row]").first().waitFor();
  assert.deepEqual(query(visitor), {});

  await visitor.visit("errors", "?search=gone");
  await page.getByRole("link", { name: "Look at all states" }).click();
  await page.getByText("OldError").first().waitFor();
});

journey("more than fifty errors come in pages", stack, {}, async (visitor) => {
  const { page } = visitor;
  const pages = page.getByRole("navigation", { name: "Pages" });
  await visitor.visit("errors", "?project=bulk");
  const seen: string[] = [];
  for (const range of ["1–50 of 120", "51–100 of 120", "101–120 of 120"]) {
    await pages.getByText(range).waitFor();
    seen.push(...(await page.locator("[data-row] h2 a").allTextContents()));
    if (range.startsWith("101")) break;
    await pages.getByRole("link", { name: "Next" }).click();
  }
  assert.equal(new Set(seen).size, 120, "each is shown exactly once");
  assert.equal(await pages.getByRole("link", { name: "Next" }).count(), 0);
  assert.deepEqual(query(visitor), { project: "bulk", offset: "100" });
  await page.reload();
  await pages.getByRole("link", { name: "Previous" }).click();
  await pages.getByText("51–100 of 120").waitFor();
  await page.goBack();
  await pages.getByText("101–120 of 120").waitFor();
});

journey("a page beyond the last one does not look like an empty tracker", stack, {}, async (visitor) => {
  const { page } = visitor;
  for (const query of ["?offset=5000", "?project=bulk&offset=5000"]) {
    await visitor.visit("errors", query);
    for (const untrue of ["Nothing is open", "errors match", "Send your first error"]) {
      assert.equal(await page.getByRole("heading", { name: untrue }).count(), 0, `${query}: ${untrue}`);
    }
  }
});

journey("all errors of one browser session are one link away", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("errors", "?source=browser");
  await page.getByRole("link", { name: /TypeError/ }).click();
  await page.getByRole("link", { name: "session-9" }).click();
  await page.getByText("session session-9").waitFor();
  await page.waitForLoadState();
  assert.deepEqual(await titles(visitor), ["TypeError"]);
  await filter(visitor, () => page.getByLabel("Project").selectOption("blog"));
  assert.deepEqual(query(visitor), { session_id: "session-9", resolved: "all", project: "blog" });
  await page.getByRole("link", { name: "Any session" }).click();
  await page.waitForURL((url) => !url.searchParams.has("session_id"));
});

journey("a list that is open and gets no stream offers what is new", stack, {}, async (visitor) => {
  const { page } = visitor;
  visitor.expect(/503/);
  await page.route("**/api/live", (route) => route.fulfill({ status: 503 }));
  await visitor.visit("errors", "?project=fresh");
  await page.getByRole("heading", { name: "No open errors match" }).waitFor();
  await send(stack, report(900, { project: "fresh", exception_type: "FirstFresh" }));
  await page.getByText("FirstFresh").first().waitFor();
  await send(stack, report(901, { project: "fresh", exception_type: "SecondFresh" }));
  await page.getByRole("button", { name: "1 new — show" }).click();
  await page.getByText("SecondFresh").first().waitFor();
});
