// A minified page on another origin breaks; the tracker shows its original file, line, function and code.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { buildSync } from "esbuild";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { group, Site, userAgent, variables } from "./site.ts";
import { env, run, snippet } from "./snippets.ts";
import { KEY, type Stack } from "./stack.ts";

interface Built {
  origin: string;
  map: string;
}

/** Builds the page as people do, with the SDK from its package in it, and serves it. */
async function site(stack: Stack): Promise<Built> {
  const site = await Site.open(stack, "shop");
  const built = buildSync({
    entryPoints: [fileURLToPath(new URL("site/main.ts", import.meta.url))],
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    sourcemap: "external",
    write: false,
    outdir: "/js",
    define: { RELAY: JSON.stringify({ url: stack.service("browser").url, key: site.key }) },
  });
  const files = Object.fromEntries(built.outputFiles.map(({ path, text }) => [path, text]));
  const map = files["/js/main.js.map"] ?? "";
  for (const path of Object.keys(files).filter((path) => path.endsWith(".map"))) delete files[path];
  const page = `<!doctype html><title>Shop</title><link rel="icon" href="data:,"><button>Pay</button><script type="module" src="/js/main.js"></script>`;
  site.serve({ ...files, "/cart": page });
  assert.ok(!files["/js/main.js"]?.includes("totalOfCart"), "it is minified");
  assert.ok(Object.keys(files).length > 1, "what the SDK loads later is a file of its own");
  return { origin: site.origin, map };
}

async function upload(stack: Stack, map: string): Promise<void> {
  const address = stack.url("browser", "api/source-maps?project=shop&release=shop@1.0.0&file_url=/js/main.js");
  const answer = await fetch(address, { method: "PUT", headers: { "X-API-Key": KEY }, body: map });
  assert.equal(answer.status, 201);
  assert.deepEqual(((await answer.json()) as { problems: string[] }).problems, []);
}

/** Opens the page and presses its button. The group that the tracker makes of it. */
async function breakIt(stack: Stack, visitor: Visitor, { origin }: Built): Promise<number> {
  visitor.trust(new URL(origin).host);
  visitor.expect(/^page error: Cannot read properties of undefined/);
  await visitor.page.goto(`${origin}/cart`);
  await visitor.page.getByRole("button", { name: "Pay" }).click();
  return (await group(stack, "Cannot read properties of undefined")).id;
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

const stack = await startStack(variables);
journey("an error of a minified page is shown with its original code", stack, { userAgent }, async (visitor) => {
  const built = await site(stack);
  await upload(stack, built.map);
  const id = await breakIt(stack, visitor, built);
  await visitor.visit("errors", `errors/${id}`);
  await showsSource(visitor);
});

const late = await startStack(variables);
journey("a map that comes after the error is applied to it", late, { userAgent }, async (visitor) => {
  const built = await site(late);
  const id = await breakIt(late, visitor, built);
  await upload(late, built.map);
  await visitor.visit("errors", `errors/${id}`);
  const deadline = Date.now() + 60_000;
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
  assert.match((await card.locator("pre").first().textContent()) ?? "", /data-dsn="[0-9a-f]{32}"/);
  await card.getByRole("button", { name: /Switch off the key of docs/ }).click();
  await card.getByText("off", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Traffic" }).click();
  await page.getByText("errors delivered at once").waitFor();
  await page.getByRole("link", { name: "Source maps" }).click();
  await page.getByText("/js/main.js", { exact: true }).waitFor();
});

journey("the commands that the page of source maps shows upload them as they stand", stack, {}, async (visitor) => {
  const { page } = visitor;
  await visitor.visit("browser", "source-maps");
  const commands = await Promise.all(["build", "upload"].map((id) => snippet(visitor, id)));
  const folder = await mkdtemp(join(stack.folder, "build-"));
  const map = JSON.stringify({ version: 3, sources: ["a.ts"], sourcesContent: ["go()"], names: [], mappings: "AAAA" });
  await mkdir(join(folder, "dist"));
  await writeFile(join(folder, "dist", "whole.js"), "go();\n//# sourceMappingURL=whole.js.map\n");
  for (const name of ["dist/whole.js.map", "app.js.map"]) await writeFile(join(folder, name), map);
  for (const command of commands) {
    const { stdout, stderr } = await run("bash", ["-ec", command], { cwd: folder, env: { ...env, ADMIN_API_KEY: KEY } });
    assert.ok(!/error/i.test(stdout + stderr), stdout + stderr);
  }
  await page.reload();
  for (const name of ["/js/whole.js", "/js/app.js"]) await page.getByText(name, { exact: true }).waitFor();
});
