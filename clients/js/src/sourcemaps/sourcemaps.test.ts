// The command on builds that esbuild made: what it finds, what it checks, and what still works after it wrote ids.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { FlattenMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { buildSync } from "esbuild";

import { check } from "./check.ts";
import { run } from "./cli.ts";
import { find } from "./find.ts";
import { inject } from "./inject.ts";

const SOURCE = `export function totalOfCart(items) {
  // A gift has no price.
  return items.reduce((sum, item) => sum + item.price.cents, 0);
}
console.log(totalOfCart([{ price: { cents: 250 } }]));
`;

/** A build in a folder of its own. */
async function built(t: TestContext, sourcemap: "linked" | "inline" | "external" = "linked"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "monlight-maps-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "cart.src"), SOURCE);
  buildSync({
    entryPoints: [{ in: join(folder, "cart.src"), out: "js/app" }],
    loader: { ".src": "js" },
    bundle: true,
    minify: true,
    sourcemap,
    outdir: folder,
    logLevel: "silent",
  });
  return folder;
}

async function call(...words: string[]): Promise<[number, string[]]> {
  const said: string[] = [];
  return [await run(words, {}, (line) => said.push(line)), said];
}

/** Where `price` stands in a script leads to its line in the source. */
function leadsHome(code: string, map: string): void {
  const lines = code.split("\n");
  const line = lines.findIndex((it) => it.includes(".price"));
  const column = lines[line]?.indexOf("price") ?? -1;
  const found = originalPositionFor(new FlattenMap(JSON.parse(map)), { line: line + 1, column });
  assert.equal(found.line, 3);
}

for (const kind of ["linked", "inline", "external"] as const)
  test(`a build whose maps are ${kind} is found and sound`, async (t) => {
    const folder = await built(t, kind);
    const [script, ...others] = await find(folder, "/assets");
    assert.ok(script && !others.length);
    assert.equal(script.fileUrl, "/assets/js/app.js");
    assert.deepEqual(check(script.code, script.map), []);
    leadsHome(script.code, script.map);
    assert.deepEqual(await call("upload", folder, "--dry-run"), [0, ["/js/app.js: would be uploaded"]]);
  });

test("with an id in it a script still runs, and its map still leads home", async (t) => {
  const folder = await built(t);
  const [script] = await find(folder, "/");
  assert.ok(script);
  const { debugId, map } = await inject(script);
  assert.match(debugId ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  const file = join(folder, "js/app.js");
  assert.equal(execFileSync("node", [file], { encoding: "utf8" }), "250\n");
  const code = await readFile(file, "utf8");
  assert.deepEqual(check(code, map), []);
  leadsHome(code, map);
  assert.equal(JSON.parse(await readFile(`${file}.map`, "utf8")).debugId, debugId);
  const [again] = await find(folder, "/");
  assert.ok(again);
  await inject(again);
  assert.equal(await readFile(file, "utf8"), code, "a second time changes nothing");
});

test("a strict script stays strict, and sections move along", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "monlight-maps-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "a.js");
  const section = { version: 3, sources: ["a.ts"], names: [], mappings: "AAAA", sourcesContent: ["x"] };
  const map = JSON.stringify({ version: 3, sections: [{ offset: { line: 0, column: 0 }, map: section }] });
  await writeFile(file, `"use strict";console.log(function(){return this}()===undefined)`);
  await writeFile(`${file}.map`, map);
  const [script] = await find(folder, "/");
  assert.ok(script);
  const injected = await inject(script);
  assert.equal(execFileSync("node", [file], { encoding: "utf8" }), "true\n");
  assert.equal(JSON.parse(injected.map).sections[0].offset.line, 1);
});

test("a map of another build, of nothing, or no map at all is said so", async (t) => {
  const folder = await built(t);
  const file = join(folder, "js/app.js.map");
  await writeFile(join(folder, "js/app.js"), "x()\n//# sourceMappingURL=app.js.map\n");
  const [status, said] = await call("upload", folder, "--dry-run");
  assert.equal(status, 1);
  assert.match(said[0] ?? "", /js\/app\.js: \d+ of \d+ mappings begin outside the script: the map is of another build/);
  for (const [text, expected] of [
    ["{", /cannot be read/],
    ['{"version":2}', /not of version 3/],
    ['{"version":3,"sources":[],"names":[],"mappings":""}', /maps nothing/],
  ] as const) {
    await writeFile(file, text);
    assert.match((await call("upload", folder, "--dry-run"))[1][0] ?? "", expected);
  }
  await rm(file);
  assert.deepEqual(await call("upload", folder, "--dry-run"), [1, [`no script in ${folder} has a source map`]]);
});

test("what it is not told it asks for", async () => {
  const [status, said] = await call("upload", "dist", "--project", "shop");
  assert.equal(status, 2);
  assert.match(said[0] ?? "", /^missing: --relay, --release, MONLIGHT_API_KEY\n/);
  assert.equal((await call("--help"))[0], 0);
  assert.equal((await call("upload", "dist", "--what"))[0], 2);
});
