// npm's `jsonrpc-bidirectional` as the client: it calls and is called on one WebSocket.

const JSONRPC = require("jsonrpc-bidirectional");
const WebSocket = require("ws");
const { assert, check, failure, main } = require("./checks.cjs");

/** What it offers to us. Both ends must use one path, which is no matter to us. */
class Offered extends JSONRPC.EndpointBase {
  constructor() {
    super("Offered", "/api", {}, JSONRPC.Client);
    this.heard = [];
  }
  async shout(_, text) {
    return text.toUpperCase();
  }
  async refuse() {
    throw new JSONRPC.Exception("no", 9, { why: 1 });
  }
  async bounce(request, depth) {
    return depth === 0 ? 0 : 1 + (await request.reverseCallsClient.rpc("bounce", [depth - 1]));
  }
  async tick(_, n) {
    this.heard.push(n);
  }
}

main(async () => {
  const offered = new Offered();
  const server = new JSONRPC.Server();
  server.registerEndpoint(offered);
  server.addPlugin(new JSONRPC.Plugins.Server.AuthenticationSkip());
  server.addPlugin(new JSONRPC.Plugins.Server.AuthorizeAll());

  const socket = new WebSocket(`${process.argv[2]}/api`);
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const router = new JSONRPC.BidirectionalWebsocketRouter(server);
  const connection = router.addWebSocketSync(socket);
  const client = router.connectionIDToSingletonClient(connection, JSONRPC.Client);
  const test = (name, run) => check("jsonrpc-bidirectional client", name, run);

  await test("calls", async () => {
    assert.strictEqual(await client.rpc("add", [1, 2]), 3);
    const value = { text: "☃", numbers: [1.5, -7], nothing: null };
    assert.deepStrictEqual(await client.rpc("echo", [value]), value);
  });
  await test("errors keep code and data", async () => {
    const error = await failure(client.rpc("fail", [7, "no", { why: 1 }]));
    assert.deepStrictEqual([error.code, error.message, error.data], [7, "no", { why: 1 }]);
  });
  await test("notifies", async () => {
    await client.rpc("note", ["a"], true);
    assert.deepStrictEqual(await client.rpc("notes", []), ["a"]);
  });
  await test("is called back, its errors pass", async () => {
    assert.strictEqual(await client.rpc("call_back", ["shout", ["hi"]]), "HI");
    const error = await failure(client.rpc("call_back", ["refuse"]));
    // It adds its own stack to the data.
    assert.deepStrictEqual([error.code, error.message, error.data.why], [9, "no", 1]);
    const unknown = await failure(client.rpc("call_back", ["nonsense"]));
    assert.strictEqual(unknown.code, -32601);
  });
  await test("bounces 50 deep", async () => {
    assert.strictEqual(await client.rpc("bounce", [50]), 50);
  });
  await test("many calls at once, both ways", async () => {
    const calls = Array.from({ length: 100 }, (_, n) => client.rpc("call_back", ["shout", [`${n}x`]]));
    assert.deepStrictEqual(await Promise.all(calls), calls.map((_, n) => `${n}X`));
  });
  await test("is notified", async () => {
    assert.strictEqual(await client.rpc("push", [3]), 3);
    assert.deepStrictEqual(offered.heard, [0, 1, 2]);
  });
  await test("large messages, in fragments", async () => {
    assert.strictEqual((await client.rpc("big", [3_000_000])).length, 3_000_000);
  });
  socket.close();
});
