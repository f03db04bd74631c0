/** The package, in a project that has nothing else. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";

const PROGRAM = `
import { connect, keepConnected, service, subscribe, watch } from "two-way-json-rpc";
import type { Context, Incoming, RpcError, Watch } from "two-way-json-rpc";

interface Chatter {
  confirm(question: string, context: Context): boolean;
}
type ChatError = RpcError<1001, { max: number }> | RpcError<1003, undefined>;

export async function use(error: ChatError): Promise<number> {
  const handlers = service<Chatter>("chatter.", { confirm: ["question"] }, { confirm: (question) => question !== "" });
  const peer = await connect("ws://127.0.0.1:1", { handlers });
  for await (const price of subscribe<number>(peer, "prices")) return price;
  keepConnected("ws://127.0.0.1:1", { handlers }).close();
  return error.code === 1001 ? error.data.max : 0;
}

// As the generator writes it.
type Op = "add" | "remove" | "replace" | "move" | "copy" | "test";
type JsonPatch = { op: Op; path: string; from?: string; value?: unknown }[];
type ChangeOfStock = { value: { hats: number } } | { patch: JsonPatch };
export const stock = (stream: Incoming<ChangeOfStock>): Watch<{ hats: number }> => watch(stream);

// @ts-expect-error a handler is missing
service<Chatter>("chatter.", { confirm: ["question"] }, {});
// @ts-expect-error a handler returns something else
service<Chatter>("chatter.", { confirm: ["question"] }, { confirm: () => "yes" });
// @ts-expect-error a method of the service is not declared
service<Chatter>("chatter.", {}, { confirm: () => true });
`;

const FAILS = `
import { overLink } from "two-way-json-rpc";
const link = { listen() {}, send() {}, close() {}, backlog: () => 0 };
try {
  overLink(link).notify("m", [1n]);
} catch (error) {
  console.log(error.stack);
}
`;

// Elsewhere, so that the project finds nothing of this one.
const folder = mkdtempSync(join(tmpdir(), "fresh-"));

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8" });
}

before(() => {
  const packed = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    encoding: "utf8",
  });
  run("npm", "init", "--yes", "--silent");
  run("npm", "install", "--silent", "--no-audit", "--no-fund", "--offline", `./${packed.trim()}`);
  writeFileSync(join(folder, "program.mts"), PROGRAM);
});
after(() => rmSync(folder, { recursive: true }));

test("a fresh project imports the package", () => {
  const names = run("node", "-e", 'import("two-way-json-rpc").then((all) => console.log(Object.keys(all).join()))');
  assert.match(names, /connect/);
});

for (const [module, resolution] of [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
] as const) {
  test(`a fresh project compiles against the package, with names as of ${resolution}`, () => {
    const strict = ["--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--types", ""];
    const target = ["--target", "es2022", "--lib", "es2022,dom", "--module", module, "--moduleResolution", resolution];
    run("node", resolve("node_modules/typescript/bin/tsc"), ...strict, ...target, "program.mts");
  });
}

/** Returns a program as a browser gets it. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    // Names of one letter would depend on what was thrown away.
    minifySyntax: true,
    minifyWhitespace: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  return outputFiles[0]!.text;
}

test("a fresh project is bundled for browsers, and an import that is not used costs no bytes", async () => {
  const one = await bundle('import { connect } from "two-way-json-rpc"; connect("wss://example.com");');
  assert.match(one, /example\.com/);
  const names =
    "Batch, connect, exactJson, followPage, keepConnected, liveness, method, offered, offers, subscribe, unstable";
  const many = await bundle(`import { ${names} } from "two-way-json-rpc"; connect("wss://example.com");`);
  assert.ok(many === one, `${many.length} bytes, not ${one.length}`);
  assert.equal(await bundle('import "two-way-json-rpc"; import { connect } from "two-way-json-rpc";'), "");
});

test("the names in a stack are those of the sources", () => {
  const stack = run("node", "--enable-source-maps", "--input-type=module", "-e", FAILS);
  assert.match(stack, /src\/core\.ts:\d+/);
});
