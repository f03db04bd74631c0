// npm's `capnweb`, as its README has it for WebSockets. What is pushed are calls whose results nobody waits for.

import { RpcTarget, newWebSocketRpcSession } from "capnweb";

export const packages = ["capnweb"];

export function connect(url, { ask, tick }) {
  class Main extends RpcTarget {
    ask(n) {
      return ask(n);
    }

    tick(n) {
      tick(n);
    }
  }
  return { api: newWebSocketRpcSession(url, new Main()) };
}

export const add = ({ api }, a, b) => api.add(a, b);
export const push = ({ api }, n) => api.push(n);
export const askBack = ({ api }, n) => api.askBack(n);
export const close = ({ api }) => api[Symbol.dispose]();
