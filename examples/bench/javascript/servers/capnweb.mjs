// `capnweb` as the other end of itself, as its README has it for Node.

import { RpcTarget, newWebSocketRpcSession } from "capnweb";
import { WebSocket } from "ws";
import { listen } from "./listen.mjs";

globalThis.WebSocket ??= WebSocket; // it asks for the constants of the class, which Node 20 has not

class Api extends RpcTarget {
  /** The other end. */
  #client;

  constructor(socket) {
    super();
    this.#client = newWebSocketRpcSession(socket, this);
  }

  add(a, b) {
    return a + b;
  }

  push(n) {
    for (let item = 0; item < n; item++) this.#client.tick(item)[Symbol.dispose]();
    return n;
  }

  askBack(n) {
    return this.#client.ask(n);
  }
}

listen((socket) => new Api(socket));
