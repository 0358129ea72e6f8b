// Builds what is published, into dist/: the script for a tag, the module for bundlers, the part that both load later,
// and the command for source maps. Types are tsc's work.

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { minify } from "terser";

rmSync("dist", { recursive: true, force: true });

const common = { bundle: true, minify: true, target: "es2020", legalComments: "none", sourcemap: "external", logLevel: "warning" };

/** The part that is loaded later stays a file of its own, beside; `load` says how it is found. */
const later = (load) => ({
  name: "later",
  setup({ onResolve }) {
    onResolve({ filter: /\/vitals\.ts$/ }, () => ({ path: "./monlight-vitals.js", external: true }));
    onResolve({ filter: /\/load\.ts$/ }, () => ({ path: fileURLToPath(new URL(`src/${load}.ts`, import.meta.url)) }));
  },
});

/** esbuild bundles; terser takes another 200 bytes off it. */
async function make(outfile, options) {
  const { outputFiles } = await build({ ...common, ...options, outfile, write: false });
  const [map, code] = outputFiles;
  const small = await minify(code.text, {
    ecma: 2020,
    module: options.format === "esm",
    compress: { passes: 3 },
    format: { comments: false },
    sourceMap: { content: map.text, filename: basename(outfile) },
  });
  writeFileSync(outfile, small.code);
  writeFileSync(`${outfile}.map`, small.map);
}

mkdirSync("dist", { recursive: true });
/** What is in the files of dist/ beside our own lines. */
const MAPPING = ["@jridgewell/trace-mapping", "@jridgewell/sourcemap-codec", "@jridgewell/resolve-uri"];
const BUNDLED = ["web-vitals", ...MAPPING];
const licence = (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8")}`;

await Promise.all([
  make("dist/monlight.min.js", { entryPoints: ["src/script.ts"], format: "iife", plugins: [later("load_script")] }),
  make("dist/monlight.esm.js", { entryPoints: ["src/index.ts"], format: "esm", plugins: [later("load")] }),
  make("dist/monlight-vitals.js", { entryPoints: ["src/vitals.ts"], format: "esm", target: "es2022" }),
  build({
    entryPoints: ["src/sourcemaps/main.ts"],
    bundle: true,
    platform: "node",
    target: "node18",
    format: "esm",
    banner: { js: "#!/usr/bin/env node" },
    // The relay serves it alone, so the licences of what is in it go along.
    footer: { js: `/*\n${MAPPING.map(licence).join("\n\n")}*/` },
    outfile: "dist/monlight-sourcemaps.mjs",
    logLevel: "warning",
  }),
]);
chmodSync("dist/monlight-sourcemaps.mjs", 0o755);

writeFileSync("dist/THIRD-PARTY-LICENSES.txt", BUNDLED.map(licence).join("\n\n"));
