// Who is told of what: channels, rules, and what came of it. The receivers are real ones, in this process.

import assert from "node:assert/strict";

import { addChannel, cameOf, card, history, lines, remove, startReceiver } from "./alerts.ts";
import { journey, startStack } from "./journey.ts";
import { report, send } from "./reports.ts";

const receiver = await startReceiver();
const { host, received } = receiver;
/** The path of such an address is all that keeps strangers from writing to it. */
const PASSWORD = "T0PS3CR3T-path";

const stack = await startStack({ ALERT_ALLOWED_HOSTS: "127.0.0.1" });
journey(
  "a webhook is added, shows its secret once and its path never, is tried and deleted",
  stack,
  { permissions: ["clipboard-read", "clipboard-write"] },
  async (visitor) => {
    const { page } = visitor;
    await visitor.visit("errors");
    await page.getByRole("link", { name: "Alerts" }).click();
    await page.getByRole("heading", { level: 1, name: "Alerts" }).waitFor();
    await card(visitor, "History").getByText("Nothing was sent yet").waitFor();

    await addChannel(visitor, "Team chat", `http://${host}/hook/${PASSWORD}`);
    const secret = (await page.locator("#secret").textContent()) ?? "";
    assert.ok(secret.length >= 20, secret);
    await page.getByRole("button", { name: "Copy secret" }).click();
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
    await page.reload();
    assert.equal(await lines(visitor, "Channels").filter({ hasText: "Team chat" }).count(), 1, "added once");
    await page.getByRole("status").getByText("Added.").waitFor();
    assert.equal(await page.locator("#secret").count(), 0, "and shown once");
    await addChannel(visitor, "Old pager", `http://${host}/gone/${PASSWORD}`);

    const channels = lines(visitor, "Channels");
    assert.match((await channels.filter({ hasText: "Team chat" }).textContent()) ?? "", /Webhook[^]*127\.0\.0\.1/);
    await page.goto(stack.url("errors", "alerts"));
    const source = await page.content();
    assert.ok(!source.includes(PASSWORD) && !source.includes(secret), "neither is shown again");

    await page.getByRole("button", { name: "Test Team chat" }).click();
    await page.getByRole("status").getByText("A test is on its way").waitFor();
    await cameOf(visitor, "Team chat", /Test[^]*delivered/);
    const [tested] = received.filter((it) => it.path === `/hook/${PASSWORD}`);
    assert.match(tested?.signature ?? "", /^[a-z0-9=]{64,}$/);

    await page.getByRole("button", { name: "Send a test to all" }).click();
    const failed = await cameOf(visitor, "Old pager", /Test[^]*failed/);
    assert.match(failed, /127\.0\.0\.1 answered 404/);
    await cameOf(visitor, "Team chat", /Test[^]*delivered/);
    assert.equal(await history(visitor, "Team chat").count(), 2);
    assert.ok(!(await page.content()).includes(PASSWORD), "nor in the history");

    await send(stack, report(1, { exception_type: "WorthTelling" }));
    await cameOf(visitor, "Team chat", /New error[^]*delivered/);
    assert.ok(received.some((it) => it.body.includes("WorthTelling")));
    await history(visitor, "Team chat").getByRole("link", { name: "New error" }).click();
    await page.getByRole("heading", { level: 1, name: "WorthTelling" }).waitFor();

    for (const name of ["Team chat", "Old pager"]) {
      await visitor.visit("errors", "alerts");
      await remove(visitor, name);
    }
    await page.waitForLoadState();
    assert.equal(await lines(visitor, "Channels").count(), 1, "only ALERT_EMAILS is left");
  },
);

journey("a rule is added with quiet hours, changed, paused, and deleted", stack, {}, async (visitor) => {
  const { page } = visitor;
  await send(stack, report(2));
  await visitor.visit("errors", "alerts");
  const rules = lines(visitor, "Rules");
  const before = await rules.count();
  await page.getByText("Add a rule").click();
  const form = card(visitor, "Rules");
  await form.getByLabel("Errors that are back").uncheck();
  await form.getByLabel("Each so many events").fill("500");
  await form.getByLabel("Project").selectOption("shop");
  await form.getByLabel("Environment").selectOption("production");
  await form.getByLabel("Quiet hours").fill("22:00-07:00 +02:00");
  await form.getByRole("button", { name: "Add rule" }).click();
  await page.getByRole("status").getByText("Added.").waitFor();
  const added = rules.filter({ hasText: "each 500 events" });
  assert.match(
    ((await added.textContent()) ?? "").replaceAll(/\s+/g, " "),
    /new, each 500 events of shop in production → all channels quiet 22:00-07:00 \+02:00/,
  );
  await added.getByRole("link", { name: "Change the rule" }).click();
  assert.equal(await form.getByLabel("Quiet hours").inputValue(), "22:00-07:00 +02:00");
  await form.getByLabel("Errors that are back").check();
  await form.getByLabel("New errors").uncheck();
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").getByText("Saved.").waitFor();
  await added.getByText("reopened, each 500 events").first().waitFor();
  await added.getByRole("button", { name: "Pause the rule" }).click();
  await page.getByRole("status").getByText("Paused").waitFor();
  await added.getByText("paused", { exact: true }).waitFor();
  await remove(visitor, "the rule reopened, each 500 events");
  await page.waitForLoadState();
  assert.equal(await rules.count(), before);
});

const strict = await startStack();
journey("what is wrong is said in words, and nothing is added", strict, {}, async (visitor) => {
  const { page } = visitor;
  visitor.expect(/400/);
  await visitor.visit("errors", "alerts");
  const [nChannels, nRules] = [await lines(visitor, "Channels").count(), await lines(visitor, "Rules").count()];
  const refused = async (press: () => Promise<unknown>, words: RegExp) => {
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await press();
    assert.equal((await answered).status(), 400);
    await page.getByRole("alert").getByText(words).waitFor();
    await page.waitForLoadState();
    assert.deepEqual([await lines(visitor, "Channels").count(), await lines(visitor, "Rules").count()], [nChannels, nRules]);
    await visitor.visit("errors", "alerts");
  };
  await refused(() => addChannel(visitor, "Wrong", "not a URL"), /the URL must begin with http:/);
  const rule = (quiet: string) => async () => {
    await page.getByText("Add a rule").click();
    await page.getByLabel("Quiet hours").fill(quiet);
    await page.getByRole("button", { name: "Add rule" }).click();
  };
  await refused(rule("at night"), /quiet hours must look like 22:00-07:00/);
  await refused(rule("22:00-25:00"), /no time of the day: 25:00/);
  await refused(rule("22:00-22:00"), /must not begin and end at the same time/);
  await refused(() => page.getByRole("button", { name: "Send a test to all" }).click(), /there is nobody to tell/);
});

journey("a private address is refused unless it is allowed, and so is a name that has one, as the history says", strict, {}, async (visitor) => {
  const { page } = visitor;
  const before = received.length;
  await visitor.visit("errors", "alerts");
  visitor.expect(/400/);
  await addChannel(visitor, "Inside", `http://${host}/hook/${PASSWORD}`);
  await page.getByRole("alert").getByText("127.0.0.1 is not connected to: its address is loopback; ALERT_ALLOWED_HOSTS").waitFor();
  assert.equal(await lines(visitor, "Channels").count(), 1, "only ALERT_EMAILS is there");

  // A name may mean another address by the time that something is sent.
  await visitor.visit("errors", "alerts");
  await addChannel(visitor, "Inside", `http://${host.replace("127.0.0.1", "localhost")}/hook/${PASSWORD}`);
  await page.getByRole("button", { name: "Test Inside" }).click();
  const text = await cameOf(visitor, "Inside", /failed|again/);
  assert.match(text, /localhost \(.*\) is not connected to: its address is loopback; ALERT_ALLOWED_HOSTS can allow it/);
  assert.equal(received.length, before, "nobody was asked");
});
