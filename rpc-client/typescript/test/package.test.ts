/** The package, in a project that has nothing else. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";

const PROGRAM = `
import { connect, keepConnected, service, subscribe, type Context, type RpcError } from "two-way-json-rpc";

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

// @ts-expect-error a handler is missing
service<Chatter>("chatter.", { confirm: ["question"] }, {});
// @ts-expect-error a handler returns something else
service<Chatter>("chatter.", { confirm: ["question"] }, { confirm: () => "yes" });
// @ts-expect-error a method of the service is not declared
service<Chatter>("chatter.", {}, { confirm: () => true });
`;

test("the package can be installed, imported and compiled against", () => {
  const folder = "build/fresh";
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: folder, encoding: "utf8" });
  const packed = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    encoding: "utf8",
  });
  writeFileSync(`${folder}/package.json`, '{"private":true,"type":"module"}');
  run("npm", "install", "--silent", "--no-audit", "--no-fund", "--offline", `./${packed.trim()}`);
  const names = run("node", "-e", 'import("two-way-json-rpc").then((all) => console.log(Object.keys(all).join()))');
  assert.match(names, /connect/);
  writeFileSync(`${folder}/program.ts`, PROGRAM);
  const options = [
    "--ignoreConfig",
    "--strict",
    "--noEmit",
    "--exactOptionalPropertyTypes",
    "--target",
    "es2022",
    "--lib",
    "es2022,dom",
  ];
  run("node", "../../node_modules/typescript/bin/tsc", ...options, "--module", "nodenext", "--types", "", "program.ts");
});
