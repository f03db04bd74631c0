// Drives the page in Chromium: `driver.cjs FOLDER SERVER`, where the folder has the page and SERVER is the reference
// server.

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const path = require("node:path");
const readline = require("node:readline");
const { fresh } = require("../browser/chromium.cjs");

const [folder, program] = process.argv.slice(2);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** Serves the files of the page. */
async function servePage() {
  const server = http.createServer((request, response) => {
    const name = path.basename(new URL(request.url, "http://page").pathname) || "page.html";
    fs.readFile(path.join(folder, name), (error, file) => {
      if (error) return response.writeHead(404).end();
      response.writeHead(200, { "content-type": TYPES[path.extname(name)] }).end(file);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Starts the server, and returns its port. */
async function serve(origin, ...flags) {
  const given = ["--listen", "127.0.0.1:0", "--allow-origin", origin, ...flags];
  const child = spawn(program, given, { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const [line] = await once(readline.createInterface(child.stdout), "line");
  return Number(line.match(/:(\d+)$/)[1]);
}

/** A wire to a port, which can be cut. */
async function wireTo(port) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    const other = net.connect(port, "127.0.0.1");
    for (const [one, two] of [[socket, other], [other, socket]]) {
      sockets.add(one);
      one.pipe(two);
      one.on("error", () => two.destroy()).on("close", () => sockets.delete(one));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return { port: server.address().port, cut, stop: () => server.close(cut()) };
}

const tests = {
  async "calls, and is called back on the same connection"(rust) {
    assert.equal(await rust("add", 2, 3), 5);
    assert.equal(await rust("bounce", 10), 10);
    assert.equal(await rust("push", 100), 100);
    assert.equal(await rust("ticks"), 100);
  },

  async "takes what is large"(rust) {
    assert.equal(await rust("big", 1_000_000), 1_000_000);
  },

  async "hears progress"(rust) {
    assert.ok((await rust("build", 5)) >= 1);
  },

  async "gets a typed error"(rust) {
    assert.equal(await rust("typed_fail"), "full: 7 at most");
  },

  async "gives up in time"(rust) {
    assert.match(await rust("run_late"), /no answer in time/);
  },

  async "takes and sends streams"(rust) {
    assert.equal(await rust("count", 5_000, 0), 5_000);
    assert.equal(await rust("sum", 1_000), 500_500);
    assert.equal(await rust("bytes", 3_000_000), 3_000_000);
  },

  async "makes thousands of calls at once"(rust) {
    for (let n = 0; n < 25; n++) await rust("many", 200);
  },

  async "goes on over links that are cut"(rust, wire) {
    const counted = rust("count", 300, 10);
    for (let n = 1; n <= 5; n++) {
      wire.cut();
      assert.equal(await rust("increment", "cuts"), n);
    }
    assert.equal(await counted, 300);
    const states = (await rust("states")).split("\n");
    assert.ok(states.filter((state) => state === "up, session resumed").length >= 5, states.join("\n"));
    assert.ok(!states.some((state) => state.includes("fresh")), states.join("\n"));
  },

  async "changes its link while it works"(rust) {
    const before = (await rust("states")).split("\n").length;
    await rust("reconnect_now");
    assert.equal(await rust("add", 1, 1), 2);
    while ((await rust("states")).split("\n").length === before) await rust("add", 1, 1);
    assert.equal((await rust("states")).split("\n").at(-1), "up, session resumed");
  },
};

async function main() {
  const page = await servePage();
  const origin = `http://127.0.0.1:${page.address().port}`;
  const port = await serve(origin, "--sessions");
  const wire = await wireTo(port);
  let failed = 0;
  await fresh(async (browser) => {
    const tab = await browser.newPage();
    tab.on("console", (message) => console.log(`        ${message.text()}`));
    tab.on("pageerror", (error) => console.log(`        ${error}`));
    await tab.goto(`${origin}/page.html`);
    await tab.waitForFunction(() => globalThis.rust !== undefined);
    const refused = (url) => tab.evaluate((url) => rust.Page.connect(url).catch(String), url);
    assert.match(await refused("http://127.0.0.1/"), /write `wss:/);
    assert.match(await refused(`ws://127.0.0.1:1/`), /no connection to `127.0.0.1:1`/);
    await tab.evaluate(async (url) => (globalThis.page = await rust.Page.connect(url)), `ws://127.0.0.1:${wire.port}`);
    const rust = (name, ...given) => tab.evaluate(([name, given]) => page[name](...given), [name, given]);
    for (const [name, test] of Object.entries(tests)) {
      try {
        await Promise.race([
          test(rust, wire),
          new Promise((_, reject) => setTimeout(reject, 60_000, new Error("it took a minute"))),
        ]);
        console.log(`ok      ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED  ${name}: ${error.stack}\n${await rust("states")}`);
      }
    }
  });
  process.exit(failed ? 1 : 0);
}

main();
