// Whatever a report holds is shown as text: it runs nothing, asks nobody, breaks no page.

import assert from "node:assert/strict";

import type { Page } from "playwright-core";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { type Report, send } from "./reports.ts";

const PAYLOADS: Record<string, string> = {
  "a script": "<script>alert(1)</script>",
  "an image with a handler": `"><img src=x onerror=alert(1)>`,
  "an attribute": `' autofocus onfocus='alert(1)' x='`,
  "the end of every element": "</code></pre></details></title></textarea><svg onload=alert(1)>",
  "a javascript address": "javascript:alert(1)",
  "a template": "{{7*7}}${7*7}<%= 7*7 %>",
  "an address elsewhere": "https://evil.example/<img src=https://evil.example/x>",
  "reversed text": "left\u202Ethgir",
  "a NUL": "before\u0000after",
  "control characters": "\u001B]0;title\u0007\u001B[31mred\u009B31m",
  "one long word": "W".repeat(95),
  "marks upon marks": `Z${"\u0351\u0346\u034A".repeat(28)}`,
};

/** Every string field holds it. */
function everywhere(text: string, place: number, over: Partial<Report> = {}): Report {
  return {
    project: text.slice(0, 100),
    exception_type: text.slice(0, 200),
    message: text,
    traceback: [
      "Traceback (most recent call last):",
      `  File "/srv/${text}/${place}.py", line ${place}, in ${text}`,
      `    ${text}`,
      `  File "/usr/lib/python3/site-packages/${text}.py", line ${place}, in ${text}`,
      `    ${text}`,
      `${text}: ${text}`,
    ].join("\n"),
    environment: text.slice(0, 100),
    request_url: text,
    request_method: text,
    request_headers: { [text]: text, Referer: text },
    user_id: text,
    extra: { [text]: text, page_url: text, user_agent: text, session_id: text },
    release: text,
    server_name: text,
    transaction: text,
    platform: text,
    tags: { [text]: text },
    user: { id: text, username: text, [text]: text },
    breadcrumbs: [{ category: text, level: text, message: text, data: { [text]: text } }],
    contexts: { [text]: { [text]: text } },
    request: { data: { [text]: text } },
    ...over,
  };
}

/** What HTML can show of a text: no page holds a NUL, and line ends and blanks at its ends are layout. */
const visible = (text: string) => text.replaceAll("\u0000", "").trim();

/** What no text may have become. */
async function isOnlyText(page: Page): Promise<void> {
  const made = await page.evaluate(() => {
    const foreign = [...document.querySelectorAll("img, script, svg, a, form, link, iframe, object")].filter(
      (element) => {
        const address = element.getAttribute("src") ?? element.getAttribute("href") ?? element.getAttribute("action");
        const isWebLink = element instanceof HTMLAnchorElement && /^https?:\/\//.test(address ?? "");
        const isOurs =
          address === null
            ? element.matches("svg[aria-hidden], svg.bars, svg.spark")
            : new URL(address, location.href).origin === location.origin;
        return !isOurs && !isWebLink && !element.matches("form[method=dialog]");
      },
    );
    const handlers = [...document.querySelectorAll("*")].filter((element) =>
      [...element.attributes].some(({ name }) => name.startsWith("on") || name === "style"),
    );
    return [...foreign, ...handlers].map((element) => element.outerHTML.slice(0, 200));
  });
  assert.deepEqual(made, []);
}

/** Names where a direction that a text turned around spills over onto its neighbours. */
async function isContained(page: Page): Promise<void> {
  const spilling = await page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set<string>();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!node.textContent?.includes("\u202E")) continue;
      let element = node.parentElement;
      while (
        element &&
        getComputedStyle(element).display === "inline" &&
        !/isolate|plaintext/.test(getComputedStyle(element).unicodeBidi)
      ) {
        element = element.parentElement;
      }
      if (!element) continue;
      const isIsolated = /isolate|plaintext/.test(getComputedStyle(element).unicodeBidi);
      const after = element.textContent?.split(node.textContent)[1]?.trim() ?? "";
      if (!isIsolated && after !== "") found.add(`${element.localName}.${element.className}: …${after.slice(0, 30)}`);
    }
    return [...found];
  });
  assert.deepEqual(spilling, []);
}

async function fits(page: Page): Promise<void> {
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    const [wide, seen] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth] as const;
    });
    assert.ok(wide <= seen, `${page.url()} is ${wide} px wide on a screen of ${seen}`);
  }
}

async function isHarmless({ page }: Visitor, text: string): Promise<void> {
  const shown = await page.evaluate(() => document.body.textContent ?? "");
  assert.ok(shown.includes(visible(text)), `${page.url()} shows it as text`);
  await page
    .locator("details")
    .evaluateAll((all) => all.forEach((details) => ((details as HTMLDetailsElement).open = true)));
  await isOnlyText(page);
  if (text.includes("\u202E")) await isContained(page);
  await fits(page);
}

const stack = await startStack();
const groups = new Map<string, number[]>();
for (const [i, [what, text]] of Object.entries(PAYLOADS).entries()) {
  const server = await send(stack, everywhere(text, 2 * i + 1));
  const browser = await send(stack, everywhere(text, 2 * i + 2, { request_method: "BROWSER" }));
  groups.set(what, [server, browser]);
}

for (const [what, text] of Object.entries(PAYLOADS)) {
  journey(`${what} in every field stays text`, stack, {}, async (visitor) => {
    for (const id of groups.get(what) ?? []) {
      await visitor.visit("errors", `errors/${id}`);
      await isHarmless(visitor, text);
    }
    const name = encodeURIComponent(text.slice(0, 100));
    const parameters = ["project", "environment", "session_id", "search", "source", "time", "resolved", "offset"];
    for (const names of [["project"], ["environment"], ["session_id"], ["search"], parameters]) {
      await visitor.visit("errors", `?resolved=all&${names.map((parameter) => `${parameter}=${name}`).join("&")}`);
      await isOnlyText(visitor.page);
      await fits(visitor.page);
    }
    visitor.expect(/40[0134]/);
    for (const path of [
      name,
      `errors/${name}`,
      `login?next=${name}`,
      `login/link?token=${name}&next=${name}`,
      `docs?${name}`,
    ]) {
      await visitor.visit("errors", path.replaceAll("%00", ""));
      await isOnlyText(visitor.page);
    }
  });
}

journey("the lists show all of them as text on every tab and page", stack, {}, async (visitor) => {
  const [id] = groups.get("a script") ?? [];
  await visitor.visit("errors", `errors/${id}`);
  await visitor.page.getByRole("button", { name: "Resolve" }).click();
  await visitor.page.getByRole("button", { name: "Reopen" }).waitFor();
  for (const path of ["", "?resolved=snoozed", "?resolved=true", "alerts", "releases", "?resolved=all"]) {
    await visitor.visit("errors", path);
    await isOnlyText(visitor.page);
    await isContained(visitor.page);
    await fits(visitor.page);
    if (!["releases", "?resolved=all"].includes(path)) continue;
    const shown = await visitor.page.evaluate(() => document.body.textContent ?? "");
    for (const [what, text] of Object.entries(PAYLOADS)) assert.ok(shown.includes(visible(text)), what);
  }
});

journey("a message of 200 kB is cut short, and whole on request", stack, {}, async (visitor) => {
  const { page } = visitor;
  const message = `<b>begin</b> ${"long ".repeat(40_000)}<b>end</b>`;
  const id = await send(stack, everywhere("<i>long</i>", 999, { message }));
  await visitor.visit("errors");
  await isHarmless(visitor, "<b>begin</b>");
  assert.ok((await page.content()).length < 500_000, "the list holds only its beginning");
  await visitor.visit("errors", `errors/${id}`);
  await page.getByText(/Show all 200 kB/).click();
  assert.equal(await page.locator("details.long pre").first().textContent(), message);
  await isHarmless(visitor, "<b>end</b>");
});

journey("the API's own answers are no pages", stack, {}, async (visitor) => {
  const { page } = visitor;
  const [id] = groups.get("a script") ?? [];
  for (const path of [`api/errors/${id}`, "api/errors?resolved=all", "api/projects", "openapi.json"]) {
    await visitor.visit("errors", path);
    assert.equal(await page.locator("script, img").count(), 0, path);
  }
});
