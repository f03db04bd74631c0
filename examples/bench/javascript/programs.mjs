// Programs that are started, the servers on one core and the clients on the other. They end with this one.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SERVERS } from "./rows.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

/** How many milliseconds a part may take. */
export const PATIENCE = 60_000;

/** A server of its own for each kind. */
export class Servers {
  #children = [];
  #urls = new Map();

  /** `reference` is the program of the reference server, which lets pages of the origin connect. */
  async start(reference, origin) {
    for (const [name, { file }] of Object.entries(SERVERS)) {
      const words = file
        ? ["node", `servers/${file}.mjs`]
        : [reference, "--listen", "127.0.0.1:0", "--max-level", "error", "--allow-origin", origin];
      const options = { cwd: here, stdio: ["ignore", "pipe", "inherit"] };
      const child = spawn("setpriv", ["--pdeathsig", "TERM", "taskset", "-c", "0", ...words], options);
      this.#children.push(child);
      const ended = once(child, "exit").then(() => Promise.reject(new Error(`the server ${name} has ended`)));
      const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
      ended.catch(() => {}); // who is connected hears of it
      this.#urls.set(name, line.replace("listening on ", ""));
    }
  }

  url(name) {
    return this.#urls.get(name);
  }

  stop() {
    for (const child of this.#children) child.kill();
  }
}

/** Plays the part of a library in a process of its own. */
export async function playInNode(name, url, plan) {
  const words = ["--pdeathsig", "TERM", "taskset", "-c", "1", "node", "client.mjs", name, url, JSON.stringify(plan)];
  const { stdout } = await promisify(execFile)("setpriv", words, { cwd: here, timeout: PATIENCE });
  return JSON.parse(stdout);
}
