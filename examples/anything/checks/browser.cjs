// Chromium. `browser.cjs console URL FILE` runs a file in the console of a page of that server, and prints what it
// logs. `browser.cjs page URL TEXT` opens a page, says yes to what it asks, and waits until it shows the text.

const fs = require("node:fs");
const { fresh, shows } = require("../../browser/chromium.cjs");

const [command, url, argument] = process.argv.slice(2);

const commands = {
  async console(page) {
    page.on("console", (message) => message.type() === "log" && console.log(message.text()));
    const console_ = await page.context().newCDPSession(page);
    await page.goto(url);
    const { exceptionDetails } = await console_.send("Runtime.evaluate", {
      expression: fs.readFileSync(argument, "utf8"),
      replMode: true, // as the console evaluates
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  },
  async page(page) {
    page.on("dialog", (dialog) => {
      console.log("it asks:", dialog.message());
      return dialog.accept();
    });
    page.on("pageerror", (error) => console.log("it throws:", error));
    page.on("console", (message) => console.log("it logs:", message.text()));
    await page.goto(url);
    await shows(page, "body", argument);
    console.log("it shows:", argument);
  },
};

fresh(async (browser) => commands[command](await browser.newPage()));
