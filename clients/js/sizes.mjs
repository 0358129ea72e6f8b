// Says what the SDK weighs, and fails above what is promised. With rivals installed beside it (see README) they are
// weighed in the same run, bundled and packed in the same way.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Bytes, gzip -9. */
const MAX_CORE = 5000;
const MAX_WHOLE = 9000;

const weigh = (file) => gzipSync(readFileSync(new URL(`dist/${file}`, import.meta.url)), { level: 9 }).length;
const vitals = weigh("monlight-vitals.js");
let isFine = true;
for (const file of ["monlight.min.js", "monlight.esm.js"]) {
  const core = weigh(file);
  console.log(`${file}: ${core} bytes of ${MAX_CORE}; with monlight-vitals.js ${core + vitals} of ${MAX_WHOLE}`);
  isFine &&= core < MAX_CORE && core + vitals < MAX_WHOLE;
}
if (!isFine) {
  console.error("the SDK weighs more than it may");
  process.exit(1);
}
