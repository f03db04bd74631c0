// The TypeScript peer again: items are those of a stream, which has flow control, and not notifications.

import { subscribe } from "two-way-json-rpc";
import * as peers from "./two_way.mjs";

export const packages = peers.packages;

export const connect = async (url, handlers) => ({ peer: await peers.connect(url, handlers), ...handlers });
export const add = ({ peer }, a, b) => peers.add(peer, a, b);
export const askBack = ({ peer }, n) => peers.askBack(peer, n);
export const close = ({ peer }) => peers.close(peer);

export async function push({ peer, tick }, n) {
  for await (const item of subscribe(peer, "ticks", [n, 0])) tick(item);
}
