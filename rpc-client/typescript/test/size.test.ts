/** What a program pays for what it imports from the package. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

async function size(names: string): Promise<number> {
  const contents = `import { ${names} } from "./dist/index.js"; globalThis.used = [${names}];`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

test("calls both ways are small", async (context) => {
  const bytes = await size("connect");
  context.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= 5_170, `${bytes} bytes`);
});

test("everything with sessions is not big", async (context) => {
  const names = [
    "keepConnected, liveness, followPage, batchAnswers, Batch, method, service, report, within",
    "subscribe, stream, sendStream, streamParam, RpcError, CallError",
  ];
  const bytes = await size(names.join(", "));
  context.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= 13_100, `${bytes} bytes`);
});

test("bytes cost those who use them", async (context) => {
  const bytes = (await size("connect, bytes, bytesOf")) - (await size("connect"));
  context.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= 1_275, `${bytes} bytes`);
});

test("links without a WebSocket cost those who want them", async (context) => {
  const bytes = (await size("connect, webSocketOrSse")) - (await size("connect"));
  context.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= 2_200, `${bytes} bytes`);
});

test("versions cost those who compare them", async () => {
  const least = await size("connect");
  for (const [names, most] of [
    ["connect, offers", 1_600],
    ["connect, offers, offered", 5_750],
    ["connect, unstable", 170],
  ] as const) {
    const bytes = (await size(names)) - least;
    assert.ok(bytes <= most, `${names}: ${bytes} bytes`);
  }
});

test("topics and live values cost those who use them", async (context) => {
  const most = { watch: 1_800, "Live, Topic": 2_920, Topic: 1_000, "mute, unmute": 300, "mutable, skipped": 300 };
  const without = await size("connect, subscribe, stream");
  for (const [names, bytes] of Object.entries(most)) {
    const more = (await size(`connect, subscribe, stream, ${names}`)) - without;
    context.diagnostic(`${names}: ${more} bytes`);
    assert.ok(more <= bytes, `${names}: ${more} bytes`);
  }
});

test("what is not imported costs nothing", async () => {
  assert.ok((await size("RpcError")) < 300);
});
