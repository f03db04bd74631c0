// npm's `socket.io-client`: calls are events with an acknowledgement. It begins with a WebSocket, which is quickest.

import { io } from "socket.io-client";

export const packages = ["socket.io-client"];

export function connect(url, { ask, tick }) {
  const socket = io(url, { transports: ["websocket"] });
  socket.on("ask", (n, answer) => answer(ask(n)));
  socket.on("tick", tick);
  return new Promise((resolve, reject) => {
    socket.on("connect", () => resolve(socket));
    socket.on("connect_error", reject);
  });
}

export const add = (socket, a, b) => socket.emitWithAck("add", a, b);
export const push = (socket, n) => socket.emitWithAck("push", n);
export const askBack = (socket, n) => socket.emitWithAck("askBack", n);
export const close = (socket) => socket.close();
