// npm's `vscode-jsonrpc`, what language servers speak, over a WebSocket: both ends call, both cancel.

const WebSocket = require("ws");
const rpc = require("vscode-jsonrpc");
const { assert, check, failure, main } = require("./checks.cjs");

/** A message is a text message, without the headers that a stream needs. */
class Reader extends rpc.AbstractMessageReader {
  constructor(socket) {
    super();
    this.socket = socket;
  }
  listen(callback) {
    this.socket.on("message", (text) => callback(JSON.parse(text)));
    this.socket.on("close", () => this.fireClose());
    return { dispose() {} };
  }
}

class Writer extends rpc.AbstractMessageWriter {
  constructor(socket) {
    super();
    this.socket = socket;
  }
  async write(message) {
    this.socket.send(JSON.stringify(message));
  }
  end() {}
}

async function connect(url) {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const connection = rpc.createMessageConnection(new Reader(socket), new Writer(socket));
  connection.listen();
  return connection;
}

main(async () => {
  // What it needs of the platform is set by this.
  require("vscode-jsonrpc/node");
  const connection = await connect(process.argv[2]);
  const test = (name, run) => check("vscode-jsonrpc", name, run);
  const { byName } = rpc.ParameterStructures;

  await test("calls, by position and by name", async () => {
    assert.strictEqual(await connection.sendRequest("add", 1, 2), 3);
    assert.strictEqual(await connection.sendRequest("greet", byName, { name: "Ada" }), "hello, Ada");
  });
  await test("errors keep code and data", async () => {
    const error = await failure(connection.sendRequest("fail", 7, "no", [1]));
    assert.ok(error instanceof rpc.ResponseError);
    assert.deepStrictEqual([error.code, error.message, error.data], [7, "no", [1]]);
  });
  await test("notifies", async () => {
    await connection.sendNotification("note", byName, { text: "a" });
    assert.deepStrictEqual(await connection.sendRequest("notes"), ["a"]);
  });
  await test("is called back, its errors pass", async () => {
    connection.onRequest("shout", (text) => text.toUpperCase());
    connection.onRequest("refuse", () => new rpc.ResponseError(9, "no", { why: 1 }));
    assert.strictEqual(await connection.sendRequest("call_back", "shout", ["hi"]), "HI");
    const error = await failure(connection.sendRequest("call_back", "refuse"));
    assert.deepStrictEqual([error.code, error.message, error.data], [9, "no", { why: 1 }]);
    const unknown = await failure(connection.sendRequest("call_back", "nonsense"));
    assert.strictEqual(unknown.code, rpc.ErrorCodes.MethodNotFound);
  });
  await test("bounces 50 deep", async () => {
    connection.onRequest("bounce", async (depth) =>
      depth === 0 ? 0 : 1 + (await connection.sendRequest("bounce", depth - 1)),
    );
    assert.strictEqual(await connection.sendRequest("bounce", 50), 50);
  });
  await test("hears notifications", async () => {
    const ticks = [];
    connection.onNotification("tick", (n) => ticks.push(n));
    assert.strictEqual(await connection.sendRequest("push", 3), 3);
    assert.deepStrictEqual(ticks, [0, 1, 2]);
  });
  await test("subscribes, with a handler of its own", async () => {
    const items = [];
    const third = new Promise((resolve) => {
      connection.onNotification("ticks", (item) => items.push(item) === 3 && resolve());
    });
    const subscription = await connection.sendRequest("ticks", 3, 1);
    await third;
    assert.deepStrictEqual(items, [0, 1, 2].map((result) => ({ subscription, result })));
  });
  await test("hears progress, by the token of a language server", async () => {
    const steps = [];
    connection.onProgress(new rpc.ProgressType(), "t1", (value) => steps.push(value));
    const params = { steps: 2, workDoneToken: "t1" };
    assert.strictEqual(await connection.sendRequest("build", byName, params), "built");
    assert.deepStrictEqual(steps, [{ step: 1, of: 2 }, { step: 2, of: 2 }]);
  });
  await test("cancels our handler", async () => {
    const before = await connection.sendRequest("slept");
    const source = new rpc.CancellationTokenSource();
    const sleep = connection.sendRequest("sleep", 3_600_000, source.token);
    source.cancel();
    assert.strictEqual((await failure(sleep)).code, -32800);
    assert.strictEqual(await connection.sendRequest("slept"), before);
  });
  await test("is cancelled by us", async () => {
    const source = new rpc.CancellationTokenSource();
    const cancelled = new Promise((resolve) => {
      connection.onRequest("wait", (_, token) => {
        token.onCancellationRequested(resolve);
        // Our handler, which waits for this one, is stopped, and so cancels the call it made.
        source.cancel();
        return new Promise(() => {});
      });
    });
    const call = connection.sendRequest("call_back", "wait", ["it"], source.token);
    assert.strictEqual((await failure(call)).code, -32800);
    await cancelled;
  });
  connection.dispose();
});
