// Node's own WebSocket, which is that of browsers, with nothing but JSON on top.

const { assert, check, failure, main } = require("./checks.cjs");

const url = process.argv[2];

/** Both directions of JSON-RPC on one socket. */
class Peer {
  methods = {};
  heard = [];
  #waiting = new Map();
  #lastId = 0;
  #wake = () => {};

  static async connect() {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = (event) => reject(event.error ?? new Error("not connected"));
    });
    return new Peer(socket);
  }

  constructor(socket) {
    this.socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  #receive(message) {
    if (!Array.isArray(message) && !("method" in message)) {
      const { resolve, reject } = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      "error" in message ? reject(message.error) : resolve(message.result);
    } else if ("id" in message) {
      this.#serve(message);
    } else {
      this.heard.push(message);
      this.#wake();
    }
  }

  async #serve({ id, method, params = [] }) {
    const answer = { jsonrpc: "2.0", id };
    try {
      answer.result = await this.methods[method](...params);
    } catch (error) {
      answer.error = error;
    }
    this.send(answer);
  }

  send(message) {
    this.socket.send(JSON.stringify({ ...message }));
  }

  start(method, params) {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.send({ jsonrpc: "2.0", id, method, params });
    return { id, answer };
  }

  call(method, params) {
    return this.start(method, params).answer;
  }

  notify(method, params) {
    this.send({ jsonrpc: "2.0", method, params });
  }

  async next() {
    while (this.heard.length === 0) await new Promise((resolve) => (this.#wake = resolve));
    return this.heard.shift();
  }
}

main(async () => {
  const peer = await Peer.connect();
  const test = (name, run) => check("node WebSocket", name, run);

  await test("calls, by position and by name", async () => {
    assert.strictEqual(await peer.call("add", [1, 2]), 3);
    assert.strictEqual(await peer.call("greet", { name: "Ada" }), "hello, Ada");
    const value = { text: '☃ " \\ \u0000', numbers: [1.5, -7], nothing: null };
    assert.deepStrictEqual(await peer.call("echo", [value]), value);
  });
  await test("errors keep code and data", async () => {
    const error = { code: 7, message: "no", data: [1] };
    assert.deepStrictEqual(await failure(peer.call("fail", [7, "no", [1]])), error);
    assert.strictEqual((await failure(peer.call("nonsense"))).code, -32601);
    assert.strictEqual((await failure(peer.call("add", [1]))).code, -32602);
  });
  await test("notifications keep their order", async () => {
    for (const text of ["a", "b", "c"]) peer.notify("note", [text]);
    assert.deepStrictEqual(await peer.call("notes"), ["a", "b", "c"]);
  });
  await test("is called back, its errors pass", async () => {
    peer.methods.shout = (text) => text.toUpperCase();
    peer.methods.refuse = () => Promise.reject({ code: 9, message: "no", data: { why: 1 } });
    assert.strictEqual(await peer.call("call_back", ["shout", ["hi"]]), "HI");
    const error = await failure(peer.call("call_back", ["refuse"]));
    assert.deepStrictEqual(error, { code: 9, message: "no", data: { why: 1 } });
  });
  await test("bounces 50 deep", async () => {
    peer.methods.bounce = async (depth) =>
      depth === 0 ? 0 : 1 + (await peer.call("bounce", [depth - 1]));
    assert.strictEqual(await peer.call("bounce", [50]), 50);
  });
  await test("hears notifications", async () => {
    assert.strictEqual(await peer.call("push", [3]), 3);
    for (let n = 0; n < 3; n += 1) assert.deepStrictEqual((await peer.next()).params, [n]);
  });
  await test("subscribes and unsubscribes", async () => {
    const subscription = await peer.call("ticks", [0, 1]);
    for (let result = 0; result < 20; result += 1) {
      const item = { jsonrpc: "2.0", method: "ticks", params: { subscription, result } };
      assert.deepStrictEqual(await peer.next(), item);
    }
    assert.strictEqual(await peer.call("unsubscribe_ticks", [subscription]), true);
    peer.heard.length = 0;
  });
  await test("batch, answered in its order", async () => {
    const batch = [
      { jsonrpc: "2.0", id: "a", method: "sleep", params: [50] },
      { jsonrpc: "2.0", method: "note", params: ["d"] },
      { jsonrpc: "2.0", id: "b", method: "add", params: [1, 2] },
    ];
    peer.socket.send(JSON.stringify(batch));
    assert.deepStrictEqual(await peer.next(), [
      { jsonrpc: "2.0", id: "a", result: 50 },
      { jsonrpc: "2.0", id: "b", result: 3 },
    ]);
  });
  await test("cancels", async () => {
    const { id, answer } = peer.start("sleep", [3_600_000]);
    peer.notify("$/cancelRequest", { id });
    assert.strictEqual((await failure(answer)).code, -32800);
  });
  await test("is cancelled", async () => {
    peer.methods.wait = () => {
      peer.notify("$/cancelRequest", { id });
      return new Promise(() => {});
    };
    const { id, answer } = peer.start("call_back", ["wait"]);
    assert.strictEqual((await failure(answer)).code, -32800);
    assert.strictEqual((await peer.next()).method, "$/cancelRequest");
  });
  await test("large messages, in fragments", async () => {
    assert.strictEqual((await peer.call("big", [3_000_000])).length, 3_000_000);
    const text = "x".repeat(900_000);
    assert.strictEqual(await peer.call("echo", [text]), text);
  });
  await test("asks whether the other end is there by a request", async () => {
    assert.strictEqual(await peer.call("$/ping"), null);
  });
  await test("closes with a code and a reason", async () => {
    const closed = new Promise((resolve) => (peer.socket.onclose = resolve));
    peer.socket.close(4000, "bye");
    const { code, reason, wasClean } = await closed;
    assert.deepStrictEqual([code, reason, wasClean], [4000, "bye", true]);
  });
});
