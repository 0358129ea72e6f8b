// What the journeys of alerts share: a real receiver in this process, and the parts of the page that all services have.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

import type { Locator } from "playwright-core";

import type { Visitor } from "./browser.ts";

export type Received = { path: string; signature: string; body: string };

export type Receiver = { host: string; received: Received[] };

/** Answers 200, but 404 below `/gone`; ends with the file. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer(async (asked, answer) => {
    let body = "";
    for await (const piece of asked) body += piece;
    const path = asked.url ?? "";
    received.push({ path, signature: String(asked.headers["x-monlight-signature"] ?? ""), body });
    answer.writeHead(path.startsWith("/gone") ? 404 : 200).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

export const card = ({ page }: Visitor, name: string): Locator => page.getByRole("region", { name });
export const lines = (visitor: Visitor, name: string): Locator => card(visitor, name).locator(".lines > li");
export const history = (visitor: Visitor, to: string): Locator =>
  card(visitor, "History").locator("tbody tr", { hasText: to });

/** Waits for a row of the history in this state; it does not come in by itself. */
export async function cameOf(visitor: Visitor, to: string, state: RegExp): Promise<string> {
  const row = history(visitor, to).first();
  for (;;) {
    const text = (await row.count()) > 0 ? ((await row.textContent()) ?? "") : "";
    if (state.test(text)) return text;
    await visitor.page.reload();
  }
}

/** Deletes what goes by these words, and says yes when asked. */
export async function remove({ page }: Visitor, what: string): Promise<void> {
  await page.locator("summary", { hasText: `Delete ${what}` }).click();
  await page.getByRole("button", { name: `Delete it: ${what}` }).click();
  await page.getByRole("status").getByText("Deleted.").waitFor();
}

export async function addChannel(visitor: Visitor, name: string, url: string): Promise<void> {
  const { page } = visitor;
  await page.getByText("Add a channel").click();
  const form = card(visitor, "Channels");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("URL, or mail addresses").fill(url);
  await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Add channel" }).click()]);
}
