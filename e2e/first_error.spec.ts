// The first five minutes: an empty tracker says how to send an error, what it says works, and the page notices.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { post, report, send } from "./reports.ts";
import { env, pythonWith, run, snippet } from "./snippets.ts";
import { KEY } from "./stack.ts";

/** Waits for a row with this type. Nobody touches the page meanwhile. */
async function appears({ page }: Visitor, exceptionType: string): Promise<void> {
  await page.getByRole("heading", { level: 2, name: exceptionType }).waitFor();
  await page.getByRole("heading", { level: 1, name: "Errors", exact: true }).waitFor();
}

/** What a command that goes on for ever says first: all before the first empty line. */
async function head(command: string): Promise<string> {
  const child = spawn("bash", ["-c", `exec ${command.trim()} --no-buffer --include`], { env, stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  for await (const piece of child.stdout) {
    said += piece;
    if (said.includes("\r\n\r\n")) break;
  }
  child.kill();
  return said;
}

const forCurl = await startStack();
journey(
  "the curl command on an empty page works as it stands, and the page shows the error by itself",
  forCurl,
  {},
  async (visitor) => {
    await visitor.visit("errors");
    await visitor.page.getByRole("heading", { level: 1, name: "Send your first error" }).waitFor();
    const command = await snippet(visitor, "start-curl");
    assert.ok(command.includes(forCurl.url("errors", "api/errors")), "it holds the address that the visitor uses");
    assert.ok(!(await visitor.page.content()).includes(KEY), "the page does not hold the key");
    assert.match(await snippet(visitor, "start-key"), /^export API_KEY=/);

    const { stdout } = await run("bash", ["-c", command], { env });
    assert.match(stdout, /"status":\s*"created"/);
    await appears(visitor, "HelloError");
  },
);

const forCopy = await startStack();
journey(
  "a snippet can be copied with one click, and the address is the one the visitor typed",
  forCopy,
  { permissions: ["clipboard-read", "clipboard-write"] },
  async (visitor) => {
    const { page } = visitor;
    const byName = forCopy.url("errors").replace("127.0.0.1", "localhost");
    visitor.trust(new URL(byName).host);
    await page.goto(byName);
    await page.getByLabel("API key").fill(KEY);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Copy curl command" }).click();
    await page.getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await snippet(visitor, "start-curl"));
    assert.ok(copied.includes(`${byName}api/errors`), copied);
  },
);

const forPython = await startStack();
journey("the Python example works as it stands", forPython, {}, async (visitor, test) => {
  const python = await pythonWith("monlight");
  if (!python) return test.skip("no Python here has the monlight package");
  await visitor.visit("errors");
  await visitor.page.locator("summary", { hasText: "From Python" }).click();
  await run(python, ["-c", await snippet(visitor, "start-python")], { env });
  await appears(visitor, "ZeroDivisionError");
});

const forFastApi = await startStack();
journey("the FastAPI example works as it stands", forFastApi, {}, async (visitor, test) => {
  const python = await pythonWith("monlight.integrations.fastapi, fastapi.testclient");
  if (!python) return test.skip("no Python here has the monlight package with FastAPI");
  await visitor.visit("errors");
  await visitor.page.locator("summary", { hasText: "From FastAPI" }).click();
  const program = `${await snippet(visitor, "start-fastapi")}

import json, time, urllib.request
from fastapi.testclient import TestClient

@app.get("/boom")
def boom():
    raise LookupError("no such basket")

def has_arrived():
    headers = {"X-API-Key": os.environ["API_KEY"]}
    asked = urllib.request.Request("${forFastApi.url("errors")}api/errors", headers=headers)
    return json.load(urllib.request.urlopen(asked))["total"] > 0

# The client reports from a task beside the answer: the app must live until that is done.
with TestClient(app, raise_server_exceptions=False) as client:
    assert client.get("/boom").status_code == 500
    until = time.monotonic() + 60
    while not has_arrived() and time.monotonic() < until:
        time.sleep(0.05)
`;
  await run(python, ["-c", program], { env });
  await appears(visitor, "LookupError");
});

const forNode = await startStack();
journey("the JavaScript example reports what ends the program", forNode, {}, async (visitor) => {
  await visitor.visit("errors");
  await visitor.page.locator("summary", { hasText: "From JavaScript" }).click();
  const program = `${await snippet(visitor, "start-javascript")}
setTimeout(() => { throw new RangeError("no such basket"); });`;
  const ended = await run("node", ["-e", program], { env }).then(
    () => 0,
    (error: { code: number }) => error.code,
  );
  assert.notEqual(ended, 0, "it ends the program all the same");
  await appears(visitor, "RangeError");
});

const forLater = await startStack();
journey("who comes back finds every example on a page of its own", forLater, {}, async (visitor) => {
  const { page } = visitor;
  await send(forLater, report(1));
  await visitor.visit("errors");
  await page.getByRole("link", { name: "Send errors" }).click();
  await page.getByRole("heading", { level: 1, name: "Send errors" }).waitFor();
  for (const language of ["curl", "python", "javascript", "rust", "fastapi"]) {
    const text = await snippet(visitor, `start-${language}`);
    assert.ok(text.includes(forLater.service("errors").url), `${language}: ${text}`);
  }
  assert.ok(!(await page.content()).includes(KEY), "the page does not hold the key");
  assert.equal(await page.getByText("Waiting for the first error").count(), 0, "there are some");
  await run("bash", ["-c", await snippet(visitor, "start-curl")], { env });
  await page.getByRole("link", { name: "Open the inbox" }).click();
  await page.getByRole("link", { name: /HelloError/ }).waitFor();
});

const forDocs = await startStack();
journey("every example of the documents works as it stands", forDocs, {}, async (visitor) => {
  // The examples name a few groups by their numbers, merge some, and resolve in the next release.
  for (let place = 1; place <= 5; place += 1) await send(forDocs, report(place, { release: "shop@1.4.2" }));
  await post(forDocs, "errors/2/notes", { text: "the note with the number 1" });
  await visitor.visit("errors", "docs");
  const examples = await visitor.page.locator("code[id^=curl-]").allTextContents();
  assert.ok(examples.length > 5, "there are some");
  const loud = `curl() { command curl -sS -w '\\n%{http_code}' "$@"; }\n`;
  // What resolves comes late, and what deletes last: the others want something to work on.
  const order = [/^(?![^]*(resolve|-X DELETE))/, /resolve/, /-X DELETE.*notes/, /-X DELETE/];
  const lateness = (example: string) => order.findIndex((kind) => kind.test(example));
  const inOrder = [...examples].sort((one, other) => lateness(one) - lateness(other));
  for (const example of inOrder) {
    if (example.includes("/api/live")) {
      assert.match(await head(example), / 200 OK[^]*text\/event-stream/, "a stream begins, and goes on until one goes");
      continue;
    }
    // It takes out what the example before has merged elsewhere.
    if (example.includes("/unmerge")) await post(forDocs, "errors/1/merge", { ids: [2] });
    const { stdout } = await run("bash", ["-c", loud + example], { env });
    const status = Number(stdout.slice(-3));
    // A mail server is the one thing that this stack does not have.
    const isGood = (status >= 200 && status < 300) || (example.includes("test-alert") && status === 503);
    assert.ok(isGood, `${example}\n${stdout}`);
  }
});
