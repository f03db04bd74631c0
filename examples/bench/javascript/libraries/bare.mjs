// JSON-RPC by hand over a WebSocket, without errors, deadlines and all else: what a library is measured against.

import { open } from "./open.mjs";

export const packages = [];

export async function connect(url, handlers) {
  const socket = await open(url);
  const waiting = new Map();
  let last = 0;
  socket.onmessage = ({ data }) => {
    const { id, method, params, result } = JSON.parse(data);
    if (method) {
      const result = handlers[method](...params);
      if (id !== undefined) socket.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
    } else {
      waiting.get(id)(result);
      waiting.delete(id);
    }
  };
  const call = (method, params) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: last, method, params }));
    });
  return { socket, call };
}

export const add = ({ call }, a, b) => call("add", [a, b]);
export const push = ({ call }, n) => call("push", [n]);
export const askBack = ({ call }, n) => call("call_back", ["ask", [n]]);
export const close = ({ socket }) => socket.close();
