// A server of `ws`, which says where it listens.

import { WebSocketServer } from "ws";

export function listen(connected) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
  server.on("connection", connected);
}
