// Plays the part of one library in a page of Chromium.

import { once } from "node:events";
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { pageBundle } from "./bundles.mjs";
import { PATIENCE } from "./programs.mjs";

const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox", // it is root where this runs in CI
];

export class Chromium {
  #pages;
  #browser;

  /** Serves an empty page, and the bundle of each library. */
  async start() {
    const bundles = new Map();
    this.#pages = createServer(async ({ url }, response) => {
      const [, name] = /^\/(\w+)\.js$/.exec(url) ?? [];
      if (!name) return response.setHeader("Content-Type", "text/html").end("<!doctype html><title>bench</title>");
      if (!bundles.has(name)) bundles.set(name, await pageBundle(name));
      response.setHeader("Content-Type", "text/javascript").end(bundles.get(name));
    });
    this.#pages.listen(0, "127.0.0.1");
    await once(this.#pages, "listening");
    this.#browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: FLAGS });
  }

  get origin() {
    return `http://127.0.0.1:${this.#pages.address().port}`;
  }

  get version() {
    return this.#browser.version();
  }

  /** In a page, and so a process, of its own. */
  async play(name, url, plan) {
    const page = await this.#browser.newPage();
    const late = setTimeout(() => page.close(), PATIENCE);
    try {
      await page.goto(this.origin);
      return await page.evaluate(
        async ([name, url, plan]) => {
          const { play } = await import(`/${name}.js`);
          return play(url, plan);
        },
        [name, url, plan],
      );
    } finally {
      clearTimeout(late);
      await page.close();
    }
  }

  async stop() {
    await this.#browser?.close();
    this.#pages.close();
  }
}
