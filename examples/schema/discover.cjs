// The client of OpenRPC asks a running server what it offers, and calls a method as the document says.

const assert = require("node:assert");
const fs = require("node:fs");
const { load } = require("../peers/checks.cjs");

const [url, file] = process.argv.slice(2);

(async () => {
  const { Client, RequestManager, WebSocketTransport } = await load("@open-rpc/client-js");
  const client = new Client(new RequestManager([new WebSocketTransport(url)]));
  const document = await client.request({ method: "rpc.discover", params: [] });
  const add = document.methods.find(({ name }) => name === "add");
  const names = add.params.map(({ name }) => name);
  const params = Object.fromEntries(names.map((name, index) => [name, index + 1]));
  assert.strictEqual(await client.request({ method: add.name, params }), 3);
  fs.writeFileSync(file, JSON.stringify(document));
  console.log(`ok      @open-rpc/client-js: asked ${url}, and called ${add.name}(${names})`);
  client.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
