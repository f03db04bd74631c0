// Builds the tests and runs those whose names are given, or all.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = new URL("..", import.meta.url);
process.chdir(fileURLToPath(here));
const names = process.argv.slice(2);
const files = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
const wanted = files.filter((name) => names.length === 0 || names.includes(basename(name, ".test.ts")));
rmSync("build/test", { recursive: true, force: true });
await build({
  entryPoints: wanted.map((name) => `test/${name}`),
  outdir: "build/test",
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: ["esbuild", "ws"],
  // By which the modules that are made of traits import the runtime.
  alias: { "two-way-json-rpc": "./src/index.ts" },
  sourcemap: "inline",
});
const tests = wanted.map((name) => `build/test/${basename(name, ".ts")}.js`);
const { status } = spawnSync(
  "node",
  ["--enable-source-maps", "--test", "--test-reporter=spec", "--test-timeout=60000", "--test-force-exit", ...tests],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
