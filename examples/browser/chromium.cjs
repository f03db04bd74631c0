// A headless Chromium for programs of Node.

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox", // it is root where the checks run
];

/** Runs with a browser that knows nobody, and forgets all at the end. */
async function fresh(run) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "browser-"));
  const options = { executablePath: "/usr/bin/chromium", headless: true, args: FLAGS };
  const browser = await chromium.launchPersistentContext(folder, options);
  try {
    await run(browser);
  } finally {
    await browser.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A new page, at this address. */
async function visit(browser, url) {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}

/** Waits until an element has this text. */
async function shows(page, element, text) {
  await page.locator(element, { hasText: text }).first().waitFor({ timeout: 9_000 });
}

module.exports = { fresh, shows, visit };
