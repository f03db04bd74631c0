// Chromium against the app `mounted`, and against a copy of it that allows pages of another origin.

const { assert, check, main } = require("../peers/checks.cjs");
const { fresh, shows, visit } = require("./chromium.cjs");

const [app, open, other] = process.argv.slice(2);

/** What Chromium says of 401. */
const UNAUTHORIZED = /HTTP Authentication failed/;

async function logIn(page, name) {
  await page.fill("#name", name);
  await page.click("#login button");
  await shows(page, "#state", /^connected$/);
}

/** Pins a note, and answers the question that comes back. */
async function pin(page, text, yes) {
  let question;
  page.once("dialog", (dialog) => {
    question = dialog.message();
    return yes ? dialog.accept() : dialog.dismiss();
  });
  await page.fill("#text", text);
  await page.click("#pin button");
  await shows(page, "#told", /./);
  const told = await page.textContent("#told");
  await page.evaluate(() => (document.getElementById("told").textContent = ""));
  return { question, told };
}

/** What becomes of a WebSocket from this page: how it ended, and what the browser says of it. */
async function knock(page, url) {
  const begun = page.waitForEvent("websocket");
  const ended = page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve("open");
        socket.onclose = ({ code }) => resolve(code);
      }),
    url.replace("http", "ws") + "/rpc",
  );
  const error = (await begun).waitForEvent("socketerror", { timeout: 9_000 }).catch(() => "");
  const how = await ended;
  return { how, why: how === "open" ? "" : String(await error) };
}

/** What becomes of a request to pin a note, from this page. */
function post(page, url, type, mode) {
  return page.evaluate(
    ([url, type, mode]) =>
      fetch(url, {
        method: "POST",
        mode,
        credentials: "include",
        headers: { "Content-Type": type },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "board.pin", params: ["x"] }),
      }).then(
        (response) => `${response.type} ${response.status}`,
        (error) => error.name,
      ),
    [`${url}/rpc`, type, mode],
  );
}

main(async () => {
  const test = (name, run) => check("chromium", name, run);

  await fresh(async (browser) => {
    const page = await visit(browser, app);
    await test("without the cookie it is refused", async () => {
      const { how, why } = await knock(page, app);
      assert.strictEqual(how, 1006);
      assert.match(why, UNAUTHORIZED);
    });
    await test("logs in and connects", async () => {
      await logIn(page, "Ada");
      assert.strictEqual(await page.evaluate(() => document.cookie), "", "out of reach of scripts");
    });
    await test("calls, and is called back inside its call", async () => {
      const { question, told } = await pin(page, "water the plants", true);
      assert.strictEqual(question, "Pin “water the plants”, Ada?");
      assert.strictEqual(told, "1 on the board");
      assert.strictEqual((await pin(page, "nonsense", false)).told, "not confirmed");
    });
    const second = await visit(browser, app);
    await test("hears what it has subscribed to", async () => {
      await shows(page, "#notes li", "Ada: water the plants");
      await second.evaluate(() => connect());
      await shows(second, "#state", /^connected$/);
      assert.strictEqual((await pin(second, "feed the cat", true)).told, "2 on the board");
      for (const each of [page, second]) await shows(each, "#notes li", "Ada: feed the cat");
      assert.strictEqual(await page.locator("#notes li").count(), 2);
    });
    await test("asks by POST", async () => {
      assert.strictEqual(await post(page, app, "application/json", "cors"), "basic 200");
    });

    const stranger = await visit(browser, other);
    await test("a page of another origin gets no WebSocket", async () => {
      const { how, why } = await knock(stranger, app);
      assert.strictEqual(how, 1006);
      assert.match(why, /403/);
    });
    await test("nor can it show the app's page in a frame", async () => {
      const predicate = (message) => /frame-ancestors/.test(message.text());
      const refused = stranger.waitForEvent("console", { predicate, timeout: 9_000 });
      await stranger.evaluate((url) => {
        document.body.append(Object.assign(document.createElement("iframe"), { src: url }));
      }, app);
      await refused;
    });
    await test("nor an answer to a POST, though the cookie goes along", async () => {
      // The browser asks first whether it may send JSON.
      assert.strictEqual(await post(stranger, app, "application/json", "cors"), "TypeError");
      // It does not ask about plain text.
      const sent = stranger.waitForResponse(`${app}/rpc`);
      assert.strictEqual(await post(stranger, app, "text/plain", "no-cors"), "opaque 0");
      const response = await sent;
      assert.strictEqual(response.status(), 415);
      assert.match((await response.request().allHeaders()).cookie ?? "", /^login=/);
    });

    await test("is told that its login has ended", async () => {
      await second.click("#logout");
      for (const each of [page, second]) await shows(each, "#state", /^closed: 4401 logged out$/);
      const { how, why } = await knock(page, app);
      assert.strictEqual(how, 1006);
      assert.match(why, UNAUTHORIZED);
    });
  });

  await fresh(async (browser) => {
    await test("a page of an origin that is allowed connects, with the cookie", async () => {
      await logIn(await visit(browser, open), "Ben");
      const friend = await visit(browser, other);
      assert.deepStrictEqual(await knock(friend, open), { how: "open", why: "" });
    });
  });
});
