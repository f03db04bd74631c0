// npm's `birpc`, as its README has it for WebSockets.

import { createBirpc } from "birpc";
import { open } from "./open.mjs";

export const packages = ["birpc"];

export async function connect(url, handlers) {
  const socket = await open(url);
  const rpc = createBirpc(handlers, {
    post: (data) => socket.send(data),
    on: (heard) => socket.addEventListener("message", ({ data }) => heard(data)),
    serialize: (value) => JSON.stringify(value),
    deserialize: (text) => JSON.parse(text),
  });
  return { socket, rpc };
}

export const add = ({ rpc }, a, b) => rpc.add(a, b);
export const push = ({ rpc }, n) => rpc.push(n);
export const askBack = ({ rpc }, n) => rpc.askBack(n);

export function close({ socket, rpc }) {
  rpc.$close();
  socket.close();
}
