// Says what the SDK weighs, and fails above what is promised. `node sizes.mjs --rivals` fetches others and weighs them
// in the same run: their first call bundled and packed as ours is.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Bytes, gzip -9. */
const MAX_CORE = 5000;
const MAX_WHOLE = 9000;

const RIVALS = {
  "@sentry/browser@11.12.0": `import { init } from "@sentry/browser"; init({ dsn: "https://k@h/1" });`,
  "@micro-sentry/browser@7.1.1": `import { BrowserMicroSentryClient } from "@micro-sentry/browser"; new BrowserMicroSentryClient({ dsn: "https://k@h/1" });`,
  "web-vitals@6.2.3": `import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals"; [onCLS, onFCP, onINP, onLCP, onTTFB].map((on) => on(console.log));`,
  "web-vitals@6.2.3 with attribution": `import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals/attribution"; [onCLS, onFCP, onINP, onLCP, onTTFB].map((on) => on(console.log));`,
};

const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
const weigh = (file) => packed(readFileSync(new URL(`dist/${file}`, import.meta.url)));

/** Prints what ours weigh; whether that is little enough. */
function ours() {
  const vitals = weigh("monlight-vitals.js");
  let isFine = true;
  for (const file of ["monlight.min.js", "monlight.esm.js"]) {
    const core = weigh(file);
    console.log(`${file}: ${core} bytes of ${MAX_CORE}; with monlight-vitals.js ${core + vitals} of ${MAX_WHOLE}`);
    isFine &&= core < MAX_CORE && core + vitals < MAX_WHOLE;
  }
  return isFine;
}

async function rivals() {
  const { build } = await import("esbuild");
  const folder = mkdtempSync(join(tmpdir(), "monlight-sizes-"));
  try {
    writeFileSync(join(folder, "package.json"), "{}");
    const packages = [...new Set(Object.keys(RIVALS).map((name) => name.split(" ")[0]))];
    execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...packages], { cwd: folder });
    for (const [name, contents] of Object.entries(RIVALS)) {
      const stdin = { contents, resolveDir: folder };
      const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: "iife", target: "es2020", write: false });
      console.log(`${name}: ${packed(outputFiles[0].contents)} bytes`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const isFine = ours();
if (process.argv.includes("--rivals")) await rivals();
if (!isFine) {
  console.error("the SDK weighs more than it may");
  process.exit(1);
}
