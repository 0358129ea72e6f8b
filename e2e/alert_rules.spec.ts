// Alerts of logs and of metrics: made of what the page shows, told to a real receiver, and followed back from there.

import assert from "node:assert/strict";

import { addChannel, cameOf, card, lines, remove, startReceiver } from "./alerts.ts";
import { journey, startStack } from "./journey.ts";
import { sendLines } from "./logs.ts";
import { look } from "./look.ts";
import { sendMetrics } from "./metrics.ts";

const receiver = await startReceiver();
const stack = await startStack({ ALERT_ALLOWED_HOSTS: "127.0.0.1", ALERT_INTERVAL: "1" });
const URL_OF = (path: string) => `http://${receiver.host}/${path}`;
const words = async (text: Promise<string | null>) => ((await text) ?? "").replaceAll(/\s+/g, " ");

journey("a log alert is made of the page's search, is told, and leads back to what matched", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("logs", "alerts");
  await card(visitor, "Rules").getByText("There is no rule").waitFor();
  await addChannel(visitor, "Log pager", URL_OF("logs"));

  const line = { container: "payments", level: "ERROR", message: "gateway timeout after 30 s" };
  await sendLines(stack, [line, { ...line, level: "INFO", message: "gateway is slow" }]);
  await visitor.visit("logs", "?search=gateway&level=%3E%3DERROR&range=1h");
  await page.getByRole("link", { name: "Alert", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Alerts" }).waitFor();
  const form = card(visitor, "Rules");
  assert.equal(await form.getByLabel("Search").inputValue(), "gateway");
  assert.equal(await form.getByLabel("Level").inputValue(), ">=ERROR");
  await form.getByLabel("Name").fill("Gateway fails");
  await form.getByLabel("Matches").fill("2");
  await form.getByLabel("Quiet hours").fill("at night");
  await form.getByRole("button", { name: "Add rule" }).click();
  // Refused, it comes back as it was.
  visitor.expect(/400/);
  await page.getByRole("alert").getByText(/quiet hours must look like/).waitFor();
  assert.equal(await form.getByLabel("Name").inputValue(), "Gateway fails");
  assert.equal(await form.getByLabel("Matches").inputValue(), "2");
  await form.getByLabel("Quiet hours").fill("");
  await form.getByRole("button", { name: "Add rule" }).click();
  await page.getByRole("status").getByText("Added.").waitFor();
  const rule = lines(visitor, "Rules").filter({ hasText: "Gateway fails" });
  assert.match(
    await words(rule.textContent()),
    /Gateway fails 2 matches within 5 minutes: gateway, ERROR or worse → all channels · pause of 60 minutes/,
  );

  await sendLines(stack, [line]);
  await cameOf(visitor, "Log pager", /Log alert Gateway fails[^]*delivered/);
  const told = receiver.received.find((it) => it.path === "/logs");
  assert.match(told?.body ?? "", /2 matches within 5 minutes/);
  await page.getByText("Add a rule").click();
  await look(visitor, "alerts-logs");

  await card(visitor, "History").getByRole("link", { name: "Log alert" }).click();
  await page.getByText("2 entries").waitFor();
  await page.waitForLoadState();
  assert.equal(await page.getByText("gateway timeout after 30 s").count(), 2);

  await visitor.visit("logs", "alerts");
  await page.getByRole("link", { name: "Change the rule Gateway fails" }).click();
  assert.equal(await form.getByLabel("Matches").inputValue(), "2");
  await form.getByLabel("Name").fill("Gateway is down");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").getByText("Saved.").waitFor();
  await page.getByRole("button", { name: "Pause the rule Gateway is down" }).click();
  await page.getByRole("status").getByText("Paused").waitFor();
  await lines(visitor, "Rules").filter({ hasText: "Gateway is down" }).getByText("paused", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Resume the rule Gateway is down" }).click();
  await page.getByRole("status").getByText("Resumed.").waitFor();
  await remove(visitor, "the rule Gateway is down");
  assert.equal(await lines(visitor, "Rules").count(), 0);
});

journey("a metric alert is made in the explorer, fires, and is told to be well again", stack, {}, async (visitor) => {
  const { page } = visitor;
  const disk = (host: string, value: number) =>
    sendMetrics(stack, [{ name: "disk_used_ratio", type: "gauge", value, labels: { host } }]);
  await disk("alpha", 0.97);
  await disk("beta", 0.2);
  await visitor.visit("metrics", "alerts");
  await addChannel(visitor, "Metric pager", URL_OF("metrics"));

  await visitor.visit("metrics", "explore?name=disk_used_ratio&group_by=host&function=max");
  await page.getByRole("link", { name: "Alert on this" }).click();
  const form = card(visitor, "Rules");
  assert.equal(await form.getByLabel("Metric", { exact: true }).inputValue(), "disk_used_ratio");
  assert.equal(await form.getByLabel(/^Each/).inputValue(), "host");
  await form.getByLabel("Name", { exact: true }).fill("Disk is full");
  await form.getByLabel("Tell if the").selectOption("last");
  await form.getByLabel("Threshold").fill("0.9");
  await form.getByRole("button", { name: "Add rule" }).click();
  await page.getByRole("status").getByText("Added.").waitFor();
  await cameOf(visitor, "Metric pager", /Firing Disk is full \(host=alpha\)[^]*delivered/);
  const rule = lines(visitor, "Rules").filter({ hasText: "Disk is full" });
  assert.match(
    await words(rule.textContent()),
    /Disk is full last of disk_used_ratio by host above 90 % over 5m → all channels firing host=alpha/,
  );
  const told = receiver.received.find((it) => it.path === "/metrics");
  assert.match(told?.body ?? "", /Disk is full \(host=alpha\)/);
  await page.getByText("Add a rule").click();
  await look(visitor, "alerts-metrics");

  await card(visitor, "History").getByRole("link", { name: "Firing" }).click();
  await page.getByRole("heading", { level: 1, name: "Explore" }).waitFor();
  assert.equal(await page.getByLabel("Metric", { exact: true }).inputValue(), "disk_used_ratio");

  await disk("alpha", 0.5);
  await visitor.visit("metrics", "alerts");
  await cameOf(visitor, "Metric pager", /Resolved[^]*delivered/);
  assert.match(receiver.received.at(-1)?.body ?? "", /it was above 90 % for/);
  assert.equal(await rule.locator(".badge").count(), 0);
  await remove(visitor, "the rule Disk is full");
});
