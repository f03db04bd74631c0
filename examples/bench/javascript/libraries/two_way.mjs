// The TypeScript peer of this project, with its defaults: a call has a deadline, and its sizes and queues are bounded.

import { connect as open } from "two-way-json-rpc";

export const packages = ["two-way-json-rpc"];

export const connect = (url, handlers) => open(url, { handlers });
export const add = (peer, a, b) => peer.call("add", [a, b]);
export const push = (peer, n) => peer.call("push", [n]);
export const askBack = (peer, n) => peer.call("call_back", ["ask", [n]]);
export const close = (peer) => peer.close();
