// What an event costs the page's main thread: `node cost.mjs` after `npm run build`, with the packages of e2e/ there.
// Errors, metrics and log lines in a real browser; the relay's answer is made up here, since only the page is measured.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { chromium } from "../../e2e/node_modules/playwright-core/index.mjs";

const N = 1000;
const sdk = readFileSync(new URL("dist/monlight.min.js", import.meta.url));
const server = createServer((request, response) => {
  if (request.url.endsWith(".js")) return response.writeHead(200, { "Content-Type": "text/javascript" }).end(sdk);
  if (request.method === "POST") return response.writeHead(202).end("{}");
  response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>cost</title><button>x</button>");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless=new", "--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
await page.goto(url);
await page.addScriptTag({ url: `${url}/monlight.min.js` });
const times = await page.evaluate(async (n) => {
  const client = window.MonlightSDK.init({ dsn: "k", endpoint: location.origin, sampleRate: 0 });
  for (let i = 0; i < 40; i++) document.querySelector("button").click();
  const time = async (work) => {
    const all = [];
    for (let i = 0; i < n; i++) {
      const began = performance.now();
      work(i);
      all.push(performance.now() - began);
      // The queue moves on between events, as it does in a page.
      if (i % 10 === 9) await new Promise((done) => setTimeout(done));
    }
    all.sort((a, b) => a - b);
    return { mean: all.reduce((a, b) => a + b) / n, p99: all[Math.floor(n * 0.99)] };
  };
  return {
    error: await time((i) => client.captureError(new Error(`no price ${i}`), { cart: { items: [1, 2, 3] } })),
    metric: await time(() => client.histogram("h", 1, { kind: "tea" })),
    log: await time((i) => client.log("info", `line ${i}`, { a: 1 })),
    click: await time(() => document.querySelector("button").click()),
  };
}, N);
for (const [kind, { mean, p99 }] of Object.entries(times)) console.log(`${kind}: mean ${mean.toFixed(3)} ms, p99 ${p99.toFixed(2)} ms`);
await browser.close();
server.close();
