// Every page, light and dark, on a phone and on a desk: axe-core finds nothing, nothing scrolls sideways.
// The pictures are in e2e/screenshots for whoever wants to look.

import assert from "node:assert/strict";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { look } from "./look.ts";
import { CHAINED, EVENT, post, report, send, sendMany } from "./reports.ts";
import type { Stack } from "./stack.ts";
import { KEY } from "./stack.ts";

const full = await startStack();
/** One in which people have worked: releases, channels, merged and snoozed errors. */
const worked = await startStack();
const empty = await startStack();

const group = await send(full, CHAINED);
await send(full, { ...CHAINED, message: "no price for 'cheese'" });
for (let n = 0; n < 1200; n += 100) {
  await Promise.all(
    Array.from({ length: 100 }, () =>
      send(full, report(1, { exception_type: "TimeoutError", message: "payment gateway did not answer within 30 s" })),
    ),
  );
}
await send(full, report(2, { project: "", exception_type: "X", message: "" }));
await send(
  full,
  report(3, {
    project: "a-project-with-a-rather-long-name-that-somebody-chose",
    message: "a message that goes on and on ".repeat(20),
  }),
);
const plain = await send(
  full,
  report(4, { exception_type: "Killed", message: "no stack trace here", traceback: "the process was killed" }),
);
const browser = await send(
  full,
  report(5, {
    project: "shop-web",
    exception_type: "TypeError",
    message: "Cannot read properties of undefined (reading 'price')",
    traceback: `TypeError: Cannot read properties of undefined (reading 'price')
    at total (https://shop.example/assets/index-3f2a9c.js:1:48213)
    at HTMLButtonElement.onclick (https://shop.example/assets/index-3f2a9c.js:1:51877)
    at r (https://cdn.example/npm/react-dom.production.min.js:12:3345)`,
    request_method: "BROWSER",
    request_url: "https://shop.example/basket",
    extra: {
      page_url: "https://shop.example/basket",
      user_agent:
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
      session_id: "0f9c2c1e-5a53-4a4e-9a44-0b7fd3e6a1f2",
    },
  }),
);
const pieces = await send(full, EVENT);
const resolved = await send(full, report(6, { exception_type: "OldError", message: "long gone" }));
const reopened = await send(full, report(7, { exception_type: "BackAgain", message: "it was resolved once" }));
for (const id of [resolved, reopened]) {
  await fetch(full.url("errors", `api/errors/${id}/resolve`), { method: "POST", headers: { "X-API-Key": KEY } });
}
await send(full, report(7, { exception_type: "BackAgain", message: "it was resolved once" }));

for (const [n, release] of ["shop@1.4.0", "shop@1.5.0", "shop@1.6.0-rc.1"].entries()) {
  for (let place = n; place < 8; place += 1) {
    await send(worked, report(place, { release, level: place % 4 ? "error" : "warning", user: { id: `u-${n}` } }));
  }
}
const whole = await send(worked, report(7));
const asleep = await send(worked, report(6));
await sendMany(worked, report(5), 30);
await post(worked, `errors/${whole}/merge`, { ids: [await send(worked, report(1)), await send(worked, report(2))] });
await post(worked, `errors/${whole}/notes`, { text: `Only with more than 99 things in it.\n${"See the ticket. ".repeat(30)}` });
await post(worked, `errors/${whole}/notes`, { text: "W".repeat(300) });
await post(worked, `errors/${asleep}/snooze`, { hours: 24, events: 100 });
await post(worked, `errors/${await send(worked, report(4))}/resolve`, { in_next_release: true });
await post(worked, "channels", { kind: "webhook", name: "Pager of the night shift", target: "http://localhost:9/hook" });
await post(worked, "channels", { kind: "slack", target: "https://hooks.example/services/T0/B0/x" });
await post(worked, "rules", { on_created: true, on_spike: true, every_n: 1000, project: "shop", quiet_hours: "22:00-07:00 +02:00" });
await post(worked, "test-alert");

type Place = {
  name: string;
  stack?: Stack;
  path?: string;
  signedIn?: boolean;
  prepare?: (visitor: Visitor) => Promise<unknown>;
};

const PLACES: Place[] = [
  { name: "login", path: "login", signedIn: false },
  {
    name: "login-wrong",
    path: "login",
    signedIn: false,
    prepare: ({ page }) =>
      page
        .getByLabel("API key")
        .fill("wrong")
        .then(() => page.keyboard.press("Enter"))
        .then(() => page.getByRole("alert").waitFor()),
  },
  { name: "login-link", path: "login/link?token=x", signedIn: false },
  {
    name: "login-link-used",
    path: "login/link?token=x",
    signedIn: false,
    prepare: ({ page }) =>
      page
        .getByRole("button", { name: "Sign in" })
        .click()
        .then(() => page.getByRole("alert").waitFor()),
  },
  { name: "inbox-empty", stack: empty },
  { name: "inbox" },
  { name: "inbox-all", path: "?resolved=all&project=shop&environment=production" },
  { name: "inbox-no-match", path: "?search=nonsense" },
  { name: "group", path: `errors/${group}` },
  {
    name: "group-unfolded",
    path: `errors/${group}`,
    prepare: ({ page }) =>
      page.locator("details").evaluateAll((all) => all.forEach((it) => ((it as HTMLDetailsElement).open = true))),
  },
  {
    name: "group-pieces",
    path: `errors/${pieces}`,
    prepare: ({ page }) =>
      page.locator("details").evaluateAll((all) => all.forEach((it) => ((it as HTMLDetailsElement).open = true))),
  },
  { name: "group-browser", path: `errors/${browser}` },
  { name: "group-plain", path: `errors/${plain}` },
  { name: "group-resolved", path: `errors/${resolved}` },
  { name: "group-reopened", path: `errors/${reopened}` },
  { name: "inbox-worked", stack: worked },
  {
    name: "inbox-ticked",
    stack: worked,
    prepare: async ({ page }) => {
      for (const n of [0, 1]) await page.locator("[data-row] [name=id]").nth(n).check();
      await page.locator("#bulk summary").click();
    },
  },
  { name: "inbox-snoozed", stack: worked, path: "?resolved=snoozed" },
  { name: "inbox-chips", stack: worked, path: "?release=shop%401.5.0&new_in=shop%401.4.0&user=u-1&tag=level:error" },
  { name: "group-merged", stack: worked, path: `errors/${whole}` },
  {
    name: "group-menu",
    stack: worked,
    path: `errors/${whole}`,
    prepare: async ({ page }) => {
      await page.keyboard.press("m");
      await page.locator(".menu .last > summary").click();
    },
  },
  { name: "group-snoozed", stack: worked, path: `errors/${asleep}` },
  { name: "releases", stack: worked, path: "releases" },
  { name: "releases-none", stack: empty, path: "releases" },
  { name: "alerts-none", stack: empty, path: "alerts" },
  {
    name: "alerts",
    stack: worked,
    path: "alerts",
    prepare: async ({ page }) => {
      while ((await page.getByText("is not connected to").count()) === 0) await page.reload();
      for (const what of ["channel", "rule"]) await page.getByText(`Add a ${what}`).click();
    },
  },
  {
    name: "alerts-wrong",
    stack: worked,
    path: "alerts",
    prepare: async ({ page }) => {
      await page.getByText("Add a rule").click();
      await page.getByLabel("Quiet hours").fill("at night");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
    },
  },
  { name: "start", stack: worked, path: "start" },
  { name: "docs", path: "docs" },
  { name: "not-found", path: "nowhere" },
  { name: "help", prepare: ({ page }) => page.keyboard.press("?") },
];

for (const { name, stack = full, path, signedIn = true, prepare } of PLACES) {
  journey(`${name} is fit to be seen`, stack, { signedIn }, async (visitor) => {
    visitor.expect(/40[014]/);
    await visitor.visit("errors", path);
    await prepare?.(visitor);
    await look(visitor, name);
  });
}

for (const name of ["logs", "browser"] as const) {
  journey(`the page of ${name} is fit to be seen`, full, {}, async (visitor) => {
    await visitor.visit(name);
    await look(visitor, name);
  });
}

journey("every link of the footer leads to something to read", full, {}, async (visitor) => {
  const { page } = visitor;
  for (const name of ["API", "Health", "Own metrics"]) {
    await visitor.visit("errors", `errors/${group}`);
    const downloads: string[] = [];
    page.once("download", (download) => downloads.push(download.suggestedFilename()));
    const left = page
      .waitForURL((url) => !url.pathname.startsWith("/errors"))
      .then(
        () => true,
        () => false,
      );
    await page.getByRole("contentinfo").getByRole("link", { name }).click();
    assert.ok(await left, `${name} shows nothing; the browser saves: ${downloads}`);
  }
});

journey("a chosen theme stays, and system is the way back", full, { colorScheme: "light" }, async (visitor) => {
  const { page } = visitor;
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  const button = page.getByRole("button", { name: /^Theme/ });
  await visitor.visit("errors");
  assert.equal(await scheme(), "light dark");
  await button.click();
  await button.click();
  assert.equal(await scheme(), "dark");
  await visitor.visit("errors", `errors/${group}`);
  assert.equal(await scheme(), "dark");
  assert.equal(await button.getAttribute("aria-label"), "Theme: dark");
  await button.click();
  assert.equal(await scheme(), "light dark");
});
