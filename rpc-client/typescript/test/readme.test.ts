/** The code of the README compiles. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

test("the code of the README compiles, as one program", () => {
  const blocks = [...readFileSync("README.md", "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
  assert.ok(blocks.length >= 4);
  const folder = "build/readme";
  mkdirSync(folder, { recursive: true });
  const program = `declare function ticket(): Promise<string>;\n${blocks.join("\n")}`;
  writeFileSync(`${folder}/readme.ts`, program);
  const options = {
    target: "ES2022",
    lib: ["ES2023", "DOM"],
    types: [],
    paths: { "two-way-json-rpc": ["../../src/index.ts"] },
  };
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: { ...options, noUnusedLocals: false },
    include: ["."],
  };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  execFileSync("node", ["node_modules/typescript/bin/tsc", "-p", folder], { stdio: "inherit" });
});
