// What Mozilla's Observatory says of our pages behind a proxy with TLS: A+, and more points than 130 of what it has to give.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startStack } from "./journey.ts";
import { Proxy } from "./proxies.ts";
import { KEY, NAMES } from "./stack.ts";

/** More than this is asked for; all there is to have is 140. */
const SCORE = 130;

type Grade = { path: string; url: string; grade: string; score: number; tests: [name: string, result: string, modifier: number][] };

/** What its package needs. */
const NODE = 20;
const isNodeNewEnough = Number(process.versions.node.split(".")[0]) >= NODE;
const proxy = await Proxy.choose("nginx");
if (!proxy || !isNodeNewEnough) {
  const missing = proxy ? `Node ${NODE}` : "nginx (scripts/need.sh proxies)";
  void test("graded by Observatory", (test) => test.skip(`not there: ${missing}`));
} else {
  const stack = await startStack(proxy.variables.bind(proxy));
  await proxy.start(stack);

  void test("Observatory gives every page A+, to strangers and to who is signed in", async (test) => {
    const paths = NAMES.map((name) => new URL(proxy.url(name)).pathname);
    const words = [fileURLToPath(new URL("observatory.mjs", import.meta.url)), ...proxy.host.split(":"), KEY, ...paths];
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: proxy.certificate };
    const { stdout } = await promisify(execFile)(process.execPath, words, { env });
    const grades = JSON.parse(stdout) as Grade[];
    assert.equal(grades.length, 2 * paths.length);
    for (const { path, url, grade, score, tests } of grades) {
      test.diagnostic(`${path}: ${grade} ${score}`);
      // A stranger is led to the sign-in.
      assert.equal(url.endsWith("/login"), path.endsWith("(stranger)"), url);
      const said = tests.map(([name, result, modifier]) => `${name}: ${result} ${modifier}`).join("\n");
      assert.ok(grade === "A+" && score > SCORE, `${path}: ${grade} ${score}\n${said}`);
      // The cookie was looked at.
      const cookies = path.endsWith("(stranger)") ? "cookies-not-found" : "cookies-secure-with-httponly-sessions-and-samesite";
      assert.ok(said.includes(cookies), said);
    }
  });
}
