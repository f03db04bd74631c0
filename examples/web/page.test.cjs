// The page of `fleet`, as its visitors see it.

const assert = require("node:assert/strict");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { chromium } = require("playwright-core");
const { Fleet, Proxy } = require("./fleet.cjs");

/** How long what should come may take, in milliseconds. It is never what a test is about. */
const LONG = 60_000;

/** How much the heap may grow for each change of a row. */
const EACH = 16;

const DESKTOP = { width: 1280, height: 1000 };
const PHONE = { width: 390, height: 844 };

let browser;
let fleet;
let proxy;
/** What the pages have complained about: nothing may be. */
const complaints = [];

before(async () => {
  fleet = await Fleet.start();
  proxy = await Proxy.start(fleet.port);
  const args = ["--no-sandbox", "--disable-gpu"]; // it is root where the checks run
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
});
after(async () => {
  await browser.close();
  proxy.stop();
  await fleet.stop();
});

/** Opens the page, with a server behind it that does not fail, unless told otherwise. */
async function open({ url = fleet.url, complains = false, viewport = DESKTOP, ...options } = {}) {
  const page = await browser.newPage({ viewport, ...options });
  page.setDefaultTimeout(LONG);
  if (!complains) {
    page.on("console", (said) => ["error", "warning"].includes(said.type()) && complaints.push(said.text()));
    page.on("pageerror", (error) => complaints.push(error.stack));
  }
  await page.goto(url);
  await page.locator("#link-text", { hasText: /^Connected/ }).waitFor();
  await page.locator("#rows tr .version:not(:empty)").first().waitFor({ state: "attached" });
  return page;
}

/** Waits until an element has this text. */
async function shows(page, selector, text) {
  await page.locator(selector, { hasText: text }).first().waitFor();
}

/** Waits until a cell of the table has another text than now. */
async function moves(page) {
  const cell = page.locator("#rows tr:first-child td:nth-child(2)");
  const before = await cell.textContent();
  await page.waitForFunction(
    (before) => document.querySelector("#rows tr:first-child td:nth-child(2)").textContent !== before,
    before,
  );
}

/** Presses Tab until a selector has the focus. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 20; presses++) {
    if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not reach ${selector}`);
}

/** Answers the question of an agent by keyboard. */
async function answer(page, name) {
  await page.locator(".question button", { hasText: name }).first().waitFor();
  await tabTo(page, `.question button[aria-label^="${name}"]`);
  await page.keyboard.press("Enter");
}

test("it shows all agents, and how they change", async () => {
  const page = await open();
  await page.locator("#rows tr").nth(11).waitFor();
  await moves(page);
  await shows(page, "#tile-up", /^12 of 12$/);
  await page.waitForFunction(() => {
    const drawn = (canvas) => {
      const { width, height } = canvas;
      return canvas
        .getContext("2d")
        .getImageData(0, 0, width, height)
        .data.some((value) => value > 0);
    };
    return drawn(document.querySelector("#chart canvas")) && drawn(document.querySelector("canvas.spark"));
  });
  await shows(page, "#happened li", "ada has joined");
  await page.close();
});

test("a question goes to all pages, and from the others when one of them answers", async () => {
  const [first, second] = [await open(), await open()];
  await first.locator(".question").waitFor();
  await second.locator(".question").waitFor();
  await answer(first, "Upgrade now");
  await second.locator(".question").waitFor({ state: "detached" });
  await shows(second, "#happened li", "may upgrade");
  // The answer has gone all the way back to the agent.
  await shows(second, "#rows tr .version", "2.4.2");
  await first.close();
  await second.close();
});

test("by keyboard alone: an agent is chosen, asked, given a job, and the job is stopped", async () => {
  const page = await open();
  await tabTo(page, "#rows tr");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await shows(page, "#detail-title", "cleo");
  assert.equal(await page.locator('#rows tr[aria-selected="true"]').count(), 1);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await shows(page, "#said", /^cleo has answered within \d+ ms$/);
  await shows(page, "#reported dd", "cleo.example.net");
  await tabTo(page, "#work");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("progress").value > 3);
  await shows(page, '#rows tr[data-name="cleo"] .doing', /Job \d+ %/);
  await page.keyboard.press("Enter");
  await shows(page, "#said", "The job was stopped, at the agent as well.");
  await page.waitForFunction(() => !document.querySelector('#rows tr[data-name="cleo"] .doing').textContent);
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.name), "cleo");
  await page.keyboard.press("End");
  assert.notEqual(await page.textContent("#detail-title"), "cleo");
  await page.close();
});

test("the server asks within the call of a button, and does what the visitor says", async () => {
  const page = await open();
  await page.click('#rows tr[data-name="bob"]');
  const restart = async (name) => {
    await page.focus("#restart");
    await page.keyboard.press("Enter");
    await shows(page, ".question", "Restart bob?");
    await tabTo(page, `.question button[aria-label="${name}: Restart bob?"]`);
    await page.keyboard.press("Enter");
  };
  await restart("Leave it");
  await shows(page, "#said", "bob runs on");
  await restart("Restart");
  await shows(page, "#said", "bob restarts");
  await page.locator('#rows tr[data-name="bob"][data-is="gone"]').waitFor();
  await page.locator('#rows tr[data-name="bob"][data-is="up"]').waitFor();
  await page.close();
});

test("light and dark: as the system says, or as the visitor has chosen", async () => {
  const page = await open({ colorScheme: "dark" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  assert.equal(await page.getAttribute("#theme", "aria-pressed"), "true");
  await page.click("#theme");
  const light = await background();
  assert.notEqual(light, dark);
  await page.reload();
  assert.equal(await background(), light);
  assert.equal(await page.getAttribute("#theme", "aria-pressed"), "false");
  await page.close();
});

test("on a phone nothing is wider than the screen, and all buttons are large enough for a finger", async () => {
  const page = await open({ viewport: PHONE, hasTouch: true, deviceScaleFactor: 2 });
  await page.tap('#rows tr[data-name="cleo"]');
  await page.tap("#report");
  await shows(page, "#reported dd", "cleo.example.net");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= PHONE.width, `it is ${width} wide`);
  for (const button of await page.locator("main button:visible").all()) {
    const { height } = await button.boundingBox();
    assert.ok(height >= 40, `${await button.textContent()} is ${height} high`);
  }
  await page.close();
});

/** What the README shows. */
async function picture(page, name) {
  await page.screenshot({ path: path.join(process.env.PICTURES, `${name}.png`), fullPage: true });
}

test("pictures of it, light and dark", async () => {
  const page = await open({ deviceScaleFactor: 1.5, colorScheme: "light" });
  await page.click('#rows tr[data-name="cleo"]');
  await page.click("#report");
  await shows(page, "#reported dd", "cleo.example.net");
  await page.locator(".question").waitFor();
  await page.click("#work");
  await page.waitForFunction(() => document.getElementById("progress").value > 60);
  await picture(page, "light");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(() => document.getElementById("progress").value > 65);
  await picture(page, "dark");
  await page.close();
});

test("nothing was complained about: no error, no warning, no breach of the policy", () => {
  assert.deepEqual(complaints, []);
});

test("a link that is cut comes back with its session, and the rows go on", async () => {
  const page = await open({ url: proxy.url, complains: true });
  proxy.cut();
  await shows(page, "#link-text", "Connected, session resumed");
  await moves(page);
  await page.close();
});

test("a server that is killed is waited for, and shown as it is then", async () => {
  const page = await open({ complains: true });
  await fleet.stop();
  await shows(page, "#link-text", "Link lost");
  assert.ok(await page.evaluate(() => document.body.classList.contains("stale")));
  fleet = await Fleet.start({ port: fleet.port, agents: 3 });
  await shows(page, "#link-text", "Connected, new session");
  await shows(page, "#tile-up", /^3 of 3$/);
  assert.equal(await page.locator("#rows tr").count(), 3);
  await moves(page);
  // It is asked again, since it has said so in the new session.
  await answer(page, "Not now");
  await shows(page, "#happened li", "may not upgrade now");
  await page.close();
});

/** Returns when the frames of some seconds came. */
function frames(page, seconds) {
  return page.evaluate(
    (seconds) =>
      new Promise((resolve) => {
        const [begun, times] = [performance.now(), []];
        const frame = (now) => {
          times.push(now);
          if (now - begun < seconds * 1000) requestAnimationFrame(frame);
          else resolve(times);
        };
        requestAnimationFrame(frame);
      }),
    seconds,
  );
}

/** Returns how many frames came in a second. */
const rateOf = (times) => ((times.length - 1) / (times.at(-1) - times[0])) * 1000;

test("200 rows, of which 1,000 change in a second", async (context) => {
  const busy = await Fleet.start({ agents: 200, every: 0.2 });
  context.after(() => busy.stop());
  // How many frames the machine makes at all, while the server works.
  const empty = await browser.newPage({ viewport: DESKTOP });
  const possible = rateOf(await frames(empty, 3));
  await empty.close();
  const page = await open({ url: busy.url });
  await page.locator("#rows tr").nth(199).waitFor({ state: "attached" });
  const devtools = await page.context().newCDPSession(page);
  const heap = async () => {
    await devtools.send("HeapProfiler.collectGarbage");
    return (await devtools.send("Runtime.getHeapUsage")).usedSize;
  };
  // Until the charts are full, and the browser has made of the scripts what it makes of scripts that run often.
  await page.waitForTimeout(70_000);
  const seconds = Number(process.env.SECONDS_BUSY ?? 20);
  const first = await heap();
  const times = await frames(page, seconds);
  const rate = Number.parseFloat(await page.textContent("#tile-changes"));
  const grown = (await heap()) - first;
  const gaps = times.slice(1).map((time, at) => time - times[at]);
  const late = gaps.filter((gap) => gap > 25).length;
  const rates = `${rateOf(times).toFixed(1)} frames came in a second, of an empty page ${possible.toFixed(1)}`;
  context.diagnostic(`${rate} rows changed and ${rates}`);
  context.diagnostic(`${late} of ${gaps.length} frames were late, the longest took ${Math.max(...gaps).toFixed()} ms`);
  context.diagnostic(`the heap of ${first} bytes has grown by ${grown} in ${seconds} s`);
  assert.ok(rate > 0, "rows change");
  assert.ok(grown <= EACH * 1000 * seconds, `the heap has grown by ${grown} bytes`);
  await page.close();
});
