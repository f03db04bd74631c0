// Plays the part of one library in Node: `client.mjs LIBRARY URL PLAN`.

import { WebSocket } from "ws";
import { play } from "./play.mjs";

// Node 20 has none. Where there is one, all get that of `ws` all the same.
globalThis.WebSocket = WebSocket;

const [name, url, plan] = process.argv.slice(2);
const library = await import(`./built/${name}.mjs`);
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
console.log(JSON.stringify(await play(library, url, JSON.parse(plan), processorTime)));
process.exit(0);
