// npm's `vscode-jsonrpc`, what language servers speak, with its defaults. A reader and a writer of this file carry it
// over a WebSocket, as the package `vscode-ws-jsonrpc` does it for an older version.

import rpc from "#vscode-jsonrpc";
import { open } from "./open.mjs";

export const packages = ["vscode-jsonrpc"];

class Reader extends rpc.AbstractMessageReader {
  constructor(socket) {
    super();
    this.socket = socket;
  }

  listen(callback) {
    this.socket.onmessage = ({ data }) => callback(JSON.parse(data));
    this.socket.onclose = () => this.fireClose();
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

export async function connect(url, { ask, tick }) {
  const socket = await open(url);
  const connection = rpc.createMessageConnection(new Reader(socket), new Writer(socket));
  connection.onRequest("ask", ask);
  connection.onNotification("tick", tick);
  connection.listen();
  return { socket, connection };
}

export const add = ({ connection }, a, b) => connection.sendRequest("add", a, b);
export const push = ({ connection }, n) => connection.sendRequest("push", n);
export const askBack = ({ connection }, n) => connection.sendRequest("call_back", "ask", [n]);

export function close({ socket, connection }) {
  connection.dispose();
  socket.close();
}
