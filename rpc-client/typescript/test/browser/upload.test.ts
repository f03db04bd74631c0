/** A file that a user picks, with a bar that shows how far the server has read it. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import type { Uploaded } from "./page/page.js";
import { Setting } from "./support/setting.js";
import type { Tab } from "./support/tab.js";

const SIZE = 50 * 1024 * 1024;

/** What the page may keep of a file: what is on its way, as text, beside the page itself. */
const KEPT = 8 * 1024 * 1024;

let setting: Setting;
let folder: string;
let path: string;
let hash = 0x811c9dc5;
let tab: Tab;

before(async () => {
  setting = await Setting.start(["--sessions"]);
  folder = mkdtempSync(join(tmpdir(), "upload-"));
  path = join(folder, "file.bin");
  const content = randomBytes(SIZE);
  for (const byte of content) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  writeFileSync(path, content);
});
afterEach(() => tab.page.close());
after(async () => {
  rmSync(folder, { recursive: true });
  await setting.stop();
});

async function pick(): Promise<void> {
  tab = await setting.open();
  await tab.pick("#file", path);
  // Notes each value that the bar shows.
  await tab.run(() => {
    const bar = document.querySelector("progress")!;
    new MutationObserver(() => app.items.push(bar.value)).observe(bar, { attributeFilter: ["value"] });
  });
}

function hasRead(bytes: number): Promise<void> {
  return tab.until((bytes) => document.querySelector("progress")!.value >= bytes, bytes);
}

async function shown(): Promise<number[]> {
  const values = await tab.run(() => app.items as number[]);
  assert.deepEqual(
    values,
    [...values].sort((a, b) => a - b),
    "the bar never goes back",
  );
  return values;
}

test("50 MB arrive whole, with a bar that shows how far they are, and are never held in memory", async () => {
  await pick();
  const before = await tab.heap();
  await tab.run(async (url) => {
    app.calls.push(app.upload(await rpc.connect(url)));
  }, setting.url);
  for (const part of [0.25, 0.5, 0.75]) {
    await hasRead(part * SIZE);
    const kept = (await tab.heap()) - before;
    assert.ok(kept < KEPT, `${kept} bytes are kept`);
  }
  assert.deepEqual(await tab.run(() => app.calls[0] as Promise<Uploaded>), { bytes: SIZE, hash });
  const values = await shown();
  assert.ok(values.length >= 20, `the bar has shown ${values.length} values`);
  assert.equal(values.at(-1), SIZE);
});

test("a file arrives whole though the network is cut under it", async () => {
  await pick();
  await tab.run(async (url) => {
    await app.stay(url).up();
    app.calls.push(app.upload(app.client));
  }, setting.url);
  for (const part of [0.1, 0.4, 0.8]) {
    await hasRead(part * SIZE);
    setting.proxy.cut();
  }
  assert.deepEqual(await tab.run(() => app.calls[0] as Promise<Uploaded>), { bytes: SIZE, hash });
  assert.equal((await shown()).at(-1), SIZE);
  assert.ok(await tab.run(() => app.isWhole));
});
