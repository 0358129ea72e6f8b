// Mozilla's Observatory, as its package has it, asked about pages of one host and port: `observatory.mjs HOST PORT KEY PATH…`.
// Prints an array of `{path, grade, score, tests}`; each test is `[name, result, modifier]`.
// A program of its own: a certificate that Node is to trust (`NODE_EXTRA_CA_CERTS`) must be known when it starts.
// Each page is graded as a stranger gets it, and as somebody with a session does whose cookie is graded too.

import { mkdir, writeFile } from "node:fs/promises";

// What the package would fetch when it is installed: which hosts browsers know to be HTTPS only. Ours are not among them.
const lists = new URL("node_modules/@mdn/mdn-http-observatory/conf/", import.meta.url);
await mkdir(lists, { recursive: true });
await writeFile(new URL("hsts-preload.json", lists), "{}");
await writeFile(new URL("tld-list.json", lists), '["com"]');

const { ALL_TESTS } = await import("@mdn/mdn-http-observatory/src/constants.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await import("@mdn/mdn-http-observatory/src/grader/charts.js");
const { getGradeForScore, getScoreModifier } = await import("@mdn/mdn-http-observatory/src/grader/grader.js");
const { retrieve } = await import("@mdn/mdn-http-observatory/src/retriever/retriever.js");

const ACCEPT = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const [host, port, key, ...paths] = process.argv.slice(2);
const origin = `https://${host}:${port}`;

/** The `Set-Cookie` of a sign-in by the form of the page at `path`. */
async function signIn(path) {
  const login = new URL("login", `${origin}${path}`);
  const headers = { "content-type": "application/x-www-form-urlencoded", origin };
  const answer = await fetch(login, { method: "POST", headers, body: new URLSearchParams({ key }), redirect: "manual" });
  const cookie = answer.headers.get("set-cookie");
  if (!cookie) throw new Error(`${login} gave no cookie: ${answer.status}`);
  return cookie;
}

async function grade(path, cookie) {
  const headers = cookie ? [ACCEPT, `Cookie: ${cookie.split(";")[0]}`] : [ACCEPT];
  // Nothing listens on port 1, as nothing of ours does on a port without TLS.
  const found = await retrieve(host, { httpsPort: Number(port), httpPort: 1, path, headers });
  const answer = found.responses.auto;
  if (answer?.status !== 200 || !answer.verified) throw new Error(`${path}: ${answer?.status}, verified: ${answer?.verified}`);
  if (cookie) found.session.jar.setCookieSync(cookie, `${origin}${path}`);
  const results = ALL_TESTS.map((test) => test(found));
  const tests = results.map((result) => [result.constructor.name, result.result, getScoreModifier(result.result)]);
  // Its rule: what is beyond the plain 100 counts only where little is missing from them.
  const sum = (modifiers) => modifiers.reduce((total, modifier) => total + modifier, 100);
  const modifiers = tests.map(([, , modifier]) => modifier);
  const plain = sum(modifiers.filter((modifier) => modifier < 0));
  const score = plain >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(modifiers) : plain;
  return { path: cookie ? path : `${path} (stranger)`, ...getGradeForScore(score), url: found.session.redirectHistory.at(-1).url.pathname, tests };
}

const grades = [];
for (const path of paths) {
  grades.push(await grade(path, ""));
  grades.push(await grade(path, await signIn(path)));
}
console.log(JSON.stringify(grades));
