// Calls a server, is called by it, takes a subscription, gets an error.
const url = globalThis.process?.argv[2] ?? `ws://${location.host}`;
globalThis.WebSocket ??= (await import("ws")).WebSocket; // Node 20 has none

const socket = new WebSocket(url);
await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));

// What the server may call.
const methods = new Map([
  [
    "shout",
    (text) => {
      console.log("the server calls shout:", text);
      return text.toUpperCase();
    },
  ],
]);
const waiting = new Map();
let onItem = () => {};
let lastId = 0;

const send = (message) => socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));

const call = (method, ...params) =>
  new Promise((resolve, reject) => {
    waiting.set(++lastId, ({ error, result }) => (error ? reject(error) : resolve(result)));
    send({ id: lastId, method, params });
  });

socket.onmessage = async ({ data }) => {
  const message = JSON.parse(data);
  const { id, method, params = [] } = message;
  if (method === undefined) {
    waiting.get(id)?.(message);
    waiting.delete(id);
  } else if (id === undefined) onItem(params);
  else if (methods.has(method)) send({ id, result: await methods.get(method)(...params) });
  else send({ id, error: { code: -32601, message: "no such method" } });
};

console.log("add:", await call("add", 1, 2));
console.log("call_back:", await call("call_back", "shout", ["hi"]));
await new Promise((resolve, reject) => {
  onItem = ({ subscription, result }) => {
    console.log("tick", result);
    if (result < 2) return;
    onItem = () => {};
    call("unsubscribe_ticks", subscription).then(resolve, reject);
  };
  call("ticks", 10, 100).catch(reject);
});
await call("fail", 7, "no").catch(({ code, message }) => console.log(`error ${code}: ${message}`));
socket.close();
