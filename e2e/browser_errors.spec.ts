// A minified page on another origin breaks; the tracker shows its original file, line, function and code.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import { buildSync } from "esbuild";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { KEY, type Stack } from "./stack.ts";

/** Headless Chromium calls itself a crawler, and is counted as one. */
const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";

const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

interface Site {
  origin: string;
  map: string;
}

/** Builds the page and serves it from an origin of its own. Its script and its map. */
async function site(stack: Stack): Promise<Site> {
  let files = new Map<string, { type: string; text: string }>();
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    response.writeHead(file ? 200 : 404, { "Content-Type": file?.type ?? "text/plain" }).end(file?.text ?? "");
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = await makeKey(stack, origin);
  const built = buildSync({
    entryPoints: [fileURLToPath(new URL("site/main.ts", import.meta.url))],
    bundle: true,
    minify: true,
    sourcemap: "external",
    write: false,
    outdir: "/js",
    define: { RELAY: JSON.stringify({ url: stack.service("browser").url, key }) },
  });
  const text = (ending: string) => built.outputFiles.find((file) => file.path.endsWith(ending))?.text ?? "";
  const page = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><button>Pay</button><script src="/js/main.js"></script>`;
  files = new Map([
    ["/cart", { type: "text/html", text: page }],
    ["/js/main.js", { type: "text/javascript", text: text("main.js") }],
  ]);
  assert.ok(!text("main.js").includes("totalOfCart"), "it is minified");
  return { origin, map: text("main.js.map") };
}

async function makeKey(stack: Stack, origin: string): Promise<string> {
  const answer = await fetch(stack.url("browser", "api/dsn-keys"), {
    method: "POST",
    headers: { "X-API-Key": KEY },
    body: JSON.stringify({ project: "shop", origins: [origin] }),
  });
  assert.equal(answer.status, 201);
  return ((await answer.json()) as { public_key: string }).public_key;
}

async function upload(stack: Stack, map: string): Promise<void> {
  const address = stack.url("browser", "api/source-maps?project=shop&release=shop@1.0.0&file_url=/js/main.js");
  const answer = await fetch(address, { method: "PUT", headers: { "X-API-Key": KEY }, body: map });
  assert.equal(answer.status, 201);
  assert.deepEqual(((await answer.json()) as { problems: string[] }).problems, []);
}

/** Opens the page and presses its button; the error is with the tracker then. */
async function breakIt(visitor: Visitor, { origin }: Site): Promise<number> {
  visitor.trust(new URL(origin).host);
  visitor.expect(/^page error: Cannot read properties of undefined/);
  await visitor.page.goto(`${origin}/cart`);
  await visitor.page.getByRole("button", { name: "Pay" }).click();
  const body = visitor.page.locator("body[data-group]");
  await body.waitFor();
  return Number(await body.getAttribute("data-group"));
}

/** The group's page has the code that broke, where it stands. */
async function showsSource({ page }: Visitor): Promise<void> {
  const frames = page.locator(".frame");
  const first = frames.first();
  await first.getByText("totalOfCart", { exact: true }).waitFor();
  assert.match((await first.locator(".at").textContent()) ?? "", /cart\.ts:13/);
  const code = (await first.locator(".source").textContent()) ?? "";
  assert.ok(code.includes("sum += item.price!.cents;"), code);
  assert.ok(code.includes("// A gift has no price: this is the bug."), code);
  assert.match((await frames.nth(1).textContent()) ?? "", /payNow[^]*main\.ts:\d+/);
}

/** The pages are on this machine, which would make their errors noise. */
const variables = { NOISE_FILTERS: "none" };

const stack = await startStack(variables);
journey("an error of a minified page is shown with its original code", stack, { userAgent }, async (visitor) => {
  const built = await site(stack);
  await upload(stack, built.map);
  const id = await breakIt(visitor, built);
  await visitor.visit("errors", `errors/${id}`);
  await showsSource(visitor);
});

const late = await startStack(variables);
journey("a map that comes after the error is applied to it", late, { userAgent }, async (visitor) => {
  const built = await site(late);
  const id = await breakIt(visitor, built);
  await upload(late, built.map);
  await visitor.visit("errors", `errors/${id}`);
  const deadline = Date.now() + 20_000;
  while ((await visitor.page.getByText("totalOfCart", { exact: true }).count()) === 0) {
    assert.ok(Date.now() < deadline, "it is mapped");
    await visitor.page.reload();
  }
  await showsSource(visitor);
});

journey("an operator makes a key, sees what came, and switches the key off", stack, { userAgent }, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("browser", "keys");
  await page.getByLabel("Project").fill("docs");
  await page.getByLabel(/^Origins/).fill("https://docs.example.com");
  await page.getByRole("button", { name: "Make key" }).click();
  const card = page.locator("section", { has: page.getByRole("heading", { name: "docs" }) });
  await card.getByText("Put it into a page").click();
  assert.match((await card.locator("pre").first().textContent()) ?? "", /MonlightConfig = \{ dsn: "[0-9a-f]{32}"/);
  await card.getByRole("button", { name: /Switch the key of docs off/ }).click();
  await card.getByText("off", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Traffic" }).click();
  await page.getByText("delivered at once").waitFor();
  await page.getByRole("link", { name: "Source maps" }).click();
  await page.getByText("/js/main.js").waitFor();
});
