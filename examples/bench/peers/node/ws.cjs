// npm's `ws`, for the benchmark: JSON-RPC by hand, as its users write it. Streams are messages, which wait while more
// than `HIGH` bytes are buffered; chunks are binary messages. What the client takes in of a stream is not told to the
// server: TCP holds it back.
//
// Settings: no compression, no check of UTF-8 (`skipUTF8Validation`), as its docs advise for speed; `bufferutil`, which
// would unmask in C, must be compiled, and is not installed.

const { WebSocket, WebSocketServer } = require("ws");
const { CHUNK, main } = require("./cases.cjs");

const HIGH = 1024 * 1024;
const OPTIONS = { perMessageDeflate: false, skipUTF8Validation: true };

// Sends what `next` returns, without end.
function pour(socket, next) {
  const more = () => {
    if (socket.readyState !== WebSocket.OPEN) return;
    for (let n = 0; n < 256 && socket.bufferedAmount < HIGH; n += 1) socket.send(next());
    if (socket.bufferedAmount < HIGH) setImmediate(more);
    else setTimeout(more, 1);
  };
  more();
}

const items = (method) => {
  let item = 0;
  return () => JSON.stringify({ jsonrpc: "2.0", method, params: [item++] });
};

function serve(listening) {
  const server = new WebSocketServer({ ...OPTIONS, host: "127.0.0.1", port: 0 });
  const listeners = new Set();
  let taken = 0;
  const methods = {
    add: (_, [a, b]) => a + b,
    taken: () => taken,
    item: () => void (taken += 1),
    listen: (socket) => {
      listeners.add(socket);
      socket.on("close", () => listeners.delete(socket));
      return null;
    },
    publish: (_, params) => {
      const text = JSON.stringify({ jsonrpc: "2.0", method: "item", params });
      for (const socket of listeners) socket.send(text);
      return listeners.size;
    },
    itemsDown: (socket) => void pour(socket, items("item")),
    chunksDown: (socket) => {
      const chunk = Buffer.alloc(CHUNK, 7);
      pour(socket, () => chunk);
    },
  };
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      if (isBinary) return (taken += data.length);
      const { id, method, params } = JSON.parse(data);
      const result = methods[method](socket, params);
      if (id !== undefined) socket.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  server.on("listening", () => listening(server.address().port));
}

class Client {
  static connect(url) {
    const client = new Client();
    client.socket = new WebSocket(url, OPTIONS);
    client.waiters = new Map();
    client.made = 0;
    client.socket.on("message", (data, isBinary) => {
      if (isBinary) return client.heard.chunk(data.length);
      const { id, result, params } = JSON.parse(data);
      if (id === undefined) return client.heard.item(params[0]);
      client.waiters.get(id)(result);
      client.waiters.delete(id);
    });
    return new Promise((resolve, reject) => {
      client.socket.on("open", () => resolve(client));
      client.socket.on("error", reject);
    });
  }

  call(method, params) {
    const id = ++this.made;
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return new Promise((resolve) => this.waiters.set(id, resolve));
  }

  notify(method) {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", method }));
  }

  add(a, b) {
    return this.call("add", [a, b]);
  }

  taken() {
    return this.call("taken");
  }

  listen(taken) {
    this.heard = taken;
    return this.call("listen");
  }

  publish(value) {
    return this.call("publish", [value]);
  }

  itemsDown(taken) {
    this.heard = taken;
    this.notify("itemsDown");
  }

  itemsUp() {
    pour(this.socket, items("item"));
  }

  chunksDown(taken) {
    this.heard = taken;
    this.notify("chunksDown");
  }

  chunksUp() {
    const chunk = Buffer.alloc(CHUNK, 7);
    pour(this.socket, () => chunk);
  }

  close() {
    return new Promise((resolve) => {
      this.socket.on("close", resolve);
      this.socket.close();
    });
  }
}

main(serve, Client);
