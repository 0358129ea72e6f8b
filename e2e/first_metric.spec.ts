// The first five minutes of the collector: it says how to send a metric, what it says works, and the page notices.

import assert from "node:assert/strict";

import { journey, startStack } from "./journey.ts";
import { env, pythonWith, run, snippet } from "./snippets.ts";
import { KEY, type Stack } from "./stack.ts";

/** Names of the metrics that are there. */
async function names(stack: Stack): Promise<string[]> {
  const answer = await fetch(stack.url("metrics", "api/metrics/names"), { headers: { "X-API-Key": KEY } });
  const { metrics } = (await answer.json()) as { metrics: { name: string }[] };
  return metrics.map((metric) => metric.name);
}

const empty = await startStack();
const later = await startStack();
journey("the curl command on an empty page works as it stands, and the page shows metrics by itself", empty, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("metrics");
  await page.getByRole("heading", { level: 1, name: "Send your first metric" }).waitFor();
  const command = await snippet(visitor, "start-curl");
  assert.ok(command.includes(empty.url("metrics", "api/metrics")), "it holds the address that the visitor uses");
  assert.ok(!(await page.content()).includes(KEY), "the page does not hold the key");
  const { stdout } = await run("bash", ["-c", command], { env });
  assert.match(stdout, /"status":\s*"accepted"/);
  await page.getByRole("heading", { level: 1, name: "Metrics", exact: true }).waitFor();
  await page.getByRole("link", { name: "Explore metrics" }).click();
  await page.getByRole("link", { name: "orders_total" }).waitFor();
});

journey("a release is marked in the charts by the command that the page shows", later, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("metrics", "start");
  await page.locator("summary", { hasText: "Mark a release" }).click();
  await run("bash", ["-c", await snippet(visitor, "start-release")], { env });
  await run("bash", ["-c", await snippet(visitor, "start-curl")], { env });
  await visitor.visit("metrics", "metrics/orders_total?range=15m");
  const chart = await page.locator("#rate").getAttribute("data-chart");
  const { marks } = JSON.parse(chart ?? "") as { marks: { label: string }[] };
  assert.deepEqual(marks.map((mark) => mark.label), ["shop@1.5.0"]);
});

journey("the JavaScript example works as it stands", later, {}, async (visitor) => {
  await visitor.visit("metrics", "start");
  await visitor.page.locator("summary", { hasText: "From JavaScript" }).click();
  await run("node", ["--input-type=module", "-e", await snippet(visitor, "start-javascript")], { env });
  assert.ok((await names(later)).includes("checkout_seconds"));
});

journey("the Python example works as it stands", later, {}, async (visitor, test) => {
  const python = await pythonWith("monlight");
  if (!python) return test.skip("no Python here has the monlight package");
  await visitor.visit("metrics", "start");
  await visitor.page.locator("summary", { hasText: "From Python" }).click();
  await run(python, ["-c", await snippet(visitor, "start-python")], { env });
  assert.ok((await names(later)).includes("queue_depth"));
});

journey("the FastAPI example fills the overview", later, {}, async (visitor, test) => {
  const { page } = visitor;
  const python = await pythonWith("monlight.integrations.fastapi, fastapi.testclient");
  if (!python) return test.skip("no Python here has the monlight package with FastAPI");
  await visitor.visit("metrics", "start");
  await page.locator("summary", { hasText: "From FastAPI" }).click();
  const example = (await snippet(visitor, "start-fastapi")).replace("setup_monlight(", "clients = setup_monlight(");
  const program = `${example.replace("clients = setup_monlight(\n", "clients = setup_monlight(\n")}

from fastapi.testclient import TestClient

@app.get("/baskets/{id}")
def basket(id: int):
    return {"id": id}

with TestClient(app) as client:
    assert client.get("/baskets/7").status_code == 200
clients["metrics_client"].shutdown()
`;
  await run(python, ["-c", program], { env });
  await visitor.visit("metrics");
  await page.locator("#endpoints").getByRole("link", { name: "/baskets/{id}" }).waitFor();
});
