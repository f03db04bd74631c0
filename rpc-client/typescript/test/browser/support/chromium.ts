/**
 * Chromium as users have it: hidden tabs are throttled, and a page that is left may be kept.
 *
 * What `launch` of Playwright starts, and any context that it makes, has neither, and all of its tabs are visible.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContext } from "playwright-core";
import { Tab } from "./tab.js";

const FLAGS = [
  "--headless",
  "--remote-debugging-port=0",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-dev-shm-usage", // it is small in a container
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-default-browser-check",
  "--no-first-run",
  "--no-sandbox", // it is root where the checks run
];

/**
 * How long each attempt to connect may take. A machine that has much else to do needs half a minute; and Playwright waits
 * for ever for a page that goes while it looks, as one does when the browser has just been started.
 */
const ATTEMPTS = [10_000, 20_000, 40_000, 80_000];

async function connect(endpoint: string): Promise<Browser> {
  let error: unknown;
  for (const timeout of ATTEMPTS) {
    try {
      return await chromium.connectOverCDP(endpoint, { noDefaults: true, timeout });
    } catch (reason) {
      error = reason;
    }
  }
  throw error;
}

export class Chromium {
  readonly #child: ChildProcess;
  readonly #browser: Browser;

  private constructor(child: ChildProcess, browser: Browser) {
    this.#child = child;
    this.#browser = browser;
  }

  /** Starts a browser that knows nobody. */
  static async start(flags: readonly string[] = []): Promise<Chromium> {
    const folder = mkdtempSync(join(tmpdir(), "browser-"));
    const given = [...FLAGS, ...flags, `--user-data-dir=${folder}`];
    const child = spawn("chromium", given, { stdio: ["ignore", "ignore", "pipe"] });
    process.on("exit", () => {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    });
    const endpoint = await new Promise<string>((resolve, reject) => {
      createInterface(child.stderr!).on("line", (line) => {
        const said = /^DevTools listening on (.*)/.exec(line);
        if (said) resolve(said[1]!);
      });
      child.on("error", reject);
      child.on("exit", () => reject(new Error("Chromium does not start")));
    });
    return new Chromium(child, await connect(endpoint));
  }

  get context(): BrowserContext {
    return this.#browser.contexts()[0]!;
  }

  async open(url: string): Promise<Tab> {
    const page = await this.context.newPage();
    await page.goto(url);
    return Tab.of(page);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    const devtools = await this.#browser.newBrowserCDPSession();
    await devtools.send("Browser.close").catch(() => {}); // it may be gone before it has answered
    await ended;
  }
}
