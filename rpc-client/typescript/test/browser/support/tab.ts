/** A tab of the browser. */

import type { CDPSession, Page } from "playwright-core";

/** How long a condition may take. It is never what a test is about. */
const LONG = 240_000;

export class Tab {
  readonly page: Page;
  readonly devtools: CDPSession;

  private constructor(page: Page, devtools: CDPSession) {
    this.page = page;
    this.devtools = devtools;
  }

  static async of(page: Page): Promise<Tab> {
    return new Tab(page, await page.context().newCDPSession(page));
  }

  /** Runs a function in the page, whichever the tab shows. The function knows what is global there, and `given`. */
  // `evaluate` of Playwright loses a page that the browser has kept while the tab was elsewhere.
  async run<Given extends unknown[], T>(body: (...given: Given) => T | Promise<T>, ...given: Given): Promise<T> {
    const { result, exceptionDetails } = await this.devtools.send("Runtime.evaluate", {
      expression: `(${body})(...${JSON.stringify(given)})`,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as T;
  }

  /** Waits until a function of the page returns true. It may fail meanwhile, as when one page gives way to another. */
  async until<Given extends unknown[]>(body: (...given: Given) => boolean, ...given: Given): Promise<void> {
    const end = performance.now() + LONG;
    for (;;) {
      const told: unknown = await this.run(body, ...given).catch((error: unknown) => error);
      if (told === true) return;
      if (performance.now() > end) throw new Error(`this does not come true, but is ${String(told)}: ${body}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Picks a file, as its user would. */
  // `setInputFiles` of Playwright takes no more than 50 MB.
  async pick(selector: string, path: string): Promise<void> {
    const { result } = await this.devtools.send("Runtime.evaluate", {
      expression: `document.querySelector(${JSON.stringify(selector)})`,
    });
    await this.devtools.send("DOM.setFileInputFiles", { files: [path], objectId: result.objectId! });
  }

  /** Returns how much memory the page needs, in bytes, without garbage. */
  async heap(): Promise<number> {
    await this.devtools.send("HeapProfiler.collectGarbage");
    return (await this.devtools.send("Runtime.getHeapUsage")).usedSize;
  }
}
