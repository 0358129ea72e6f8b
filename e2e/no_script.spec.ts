// The pages are whole without any script.

import assert from "node:assert/strict";

import { journey, startStack } from "./journey.ts";
import { CHAINED, report, send } from "./reports.ts";
import { KEY } from "./stack.ts";

const withoutScript = { javaScriptEnabled: false, signedIn: false };

const stack = await startStack();
journey(
  "without script one signs in, filters, reads, resolves, reopens and signs out",
  stack,
  withoutScript,
  async (visitor) => {
    const { page } = visitor;
    const id = await send(stack, CHAINED);
    for (let place = 1; place <= 60; place += 1) await send(stack, report(place, { project: "bulk" }));

    await visitor.visit("errors", `errors/${id}`);
    await page.getByLabel("API key").fill(KEY);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "PriceMissing" }).waitFor();
    await page.getByText("2 library frames").click();
    await page.locator(".fn", { hasText: "app" }).first().waitFor();
    await page.getByText("Traceback as it was sent").click();
    await page.locator("#traceback").waitFor();
    assert.equal(
      await page.getByRole("button", { name: /Copy|Theme|Keyboard/ }).count(),
      0,
      "no button that does nothing",
    );
    assert.match((await page.locator("time.ago").first().textContent()) ?? "", /now|ago/);

    await page.getByRole("button", { name: "Resolve" }).click();
    await page.getByRole("button", { name: "Reopen" }).click();
    await page.getByRole("button", { name: "Resolve" }).waitFor();

    await page.locator(".crumbs").getByRole("link", { name: "Errors" }).click();
    await page.getByRole("link", { name: "Next" }).click();
    await page.getByText("51–61 of 61").waitFor();
    await page.getByLabel("Project").selectOption("shop");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByText("1–1 of 1").waitFor();
    await page.getByRole("link", { name: "Clear filters" }).click();
    await page.getByText("1–50 of 61").waitFor();

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await visitor.visit("errors");
    await page.getByLabel("API key").waitFor();
  },
);

journey(
  "without script a channel and a source map are deleted only after a second press",
  stack,
  { ...withoutScript, signedIn: true },
  async (visitor) => {
    const { page } = visitor;
    const headers = { "X-API-Key": KEY };
    const map = JSON.stringify({ version: 3, sources: ["cart.ts"], names: [], mappings: "AAAA" });
    const uploaded = "api/source-maps?project=shop&release=1.0.0&file_url=/js/app.js";
    assert.equal((await fetch(stack.url("browser", uploaded), { method: "PUT", headers, body: map })).status, 201);
    const channel = JSON.stringify({ kind: "slack", name: "Chat", target: "https://hooks.example.com/" });
    assert.equal((await fetch(stack.url("logs", "api/channels"), { method: "POST", headers, body: channel })).status, 201);
    for (const [name, path, what] of [
      ["browser", "source-maps", "the map of /js/app.js, release 1.0.0"],
      ["logs", "alerts", "Chat"],
    ] as const) {
      await visitor.visit(name, path);
      const yes = page.getByRole("button", { name: `Delete it: ${what}` });
      assert.equal(await yes.isVisible(), false, "not yet");
      await page.locator("summary", { hasText: `Delete ${what}` }).click();
      await Promise.all([page.waitForEvent("load"), yes.click()]);
      assert.equal(await yes.count(), 0);
    }
  },
);

const empty = await startStack();
journey(
  "without script an empty tracker says that one must reload",
  empty,
  { ...withoutScript, signedIn: true },
  async (visitor) => {
    const { page } = visitor;
    await visitor.visit("errors");
    await page.locator("noscript p").waitFor();
    await send(empty, report(1));
    await page.reload();
    await page.getByRole("link", { name: /ValueError/ }).waitFor();
  },
);
