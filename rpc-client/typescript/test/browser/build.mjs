// Builds the page with the package as it is published, and the tests; says where Playwright is to the compiler.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const [playwright] = process.argv.slice(2);
const here = "test/browser";
const target = "build/browser";
rmSync(target, { recursive: true, force: true });
await build({
  entryPoints: [`${here}/page/page.ts`],
  outdir: target,
  bundle: true,
  format: "esm",
  target: "es2022",
  alias: { "two-way-json-rpc": "./dist/index.js" },
});
await build({
  entryPoints: readdirSync(here)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${here}/${name}`),
  outdir: target,
  bundle: true,
  format: "esm",
  platform: "node",
  // The page gets functions of the tests as they are written.
  target: "es2022",
  external: ["ws", `${playwright}/*`],
  alias: { "playwright-core": `${playwright}/index.mjs` },
  sourcemap: "inline",
});
const compilerOptions = {
  paths: { "two-way-json-rpc": ["../../src/index.ts"], "playwright-core": [`${playwright}/index.d.ts`] },
};
writeFileSync(
  `${target}/tsconfig.json`,
  JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, include: ["../../test/browser"], exclude: [] }),
);
