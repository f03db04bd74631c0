/** The code of the README compiles. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

const CHAT = `
import type { Handlers, Peer } from "two-way-json-rpc";
export declare class ChatClient {
  constructor(peer: Peer);
  join(room: string): Promise<string[]>;
}
export declare function chatterHandlers(handlers: {
  confirm: (question: string) => boolean;
  message: (room: string) => void;
}): Handlers;
const chat = { name: "chat", hash: "0a", methods: ["chat.join"] } as const;
export const services = { serves: { chatter: { ...chat, name: "chatter" } }, calls: { chat } } as const;
`;

const CHAT_MODEL = `
import type { Model } from "two-way-json-rpc";
export const model: Model = { end: "client", services: [] };
`;

test("the code of the README compiles, as one program", () => {
  const blocks = [...readFileSync("README.md", "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
  assert.ok(blocks.length >= 4);
  const folder = "build/readme";
  mkdirSync(folder, { recursive: true });
  // What the generator makes of two traits.
  writeFileSync(`${folder}/chat.ts`, CHAT);
  writeFileSync(`${folder}/chat.model.ts`, CHAT_MODEL);
  const declared = "declare function ticket(): Promise<string>; declare function mayRead(peer: object): boolean;";
  const program = `${declared}\n${blocks.join("\n")}`;
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
