// npm's `rpc-websockets`, with its defaults. It hears notifications as events, and cannot be called.

import { Client } from "rpc-websockets";

export const packages = ["rpc-websockets"];

export function connect(url, { tick }) {
  const client = new Client(url);
  client.on("tick", ([n]) => tick(n));
  return new Promise((resolve, reject) => {
    client.on("open", () => resolve(client));
    client.on("error", reject);
  });
}

export const add = (client, a, b) => client.call("add", [a, b]);
export const push = (client, n) => client.call("push", [n]);
export const close = (client) => client.close();
