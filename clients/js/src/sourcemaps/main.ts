// The command itself.

import { run } from "./cli.ts";

process.exitCode = await run(process.argv.slice(2), process.env, (line) => console.log(line));
