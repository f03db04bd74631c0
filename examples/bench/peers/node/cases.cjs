// What the crate `cases` is for Rust: the cases that every peer plays, and how a client tells what it found.

const { readdirSync, readFileSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");

const CHUNK = 64 * 1024;
// Values that are published before all must have them.
const BURST = 16;
const QUIET = 3000;
const PATIENCE = 30_000;

// Nanoseconds of processor time, over all threads of a process, once a tick has added up what has just ended.
async function cpu(pid) {
  await sleep(10);
  const tasks = readdirSync(`/proc/${pid}/task`);
  const of = (task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
  return tasks.map(of).reduce((sum, more) => sum + more, 0);
}

function resident(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Rss:\s+(\d+) kB$/m.exec(text)[1]) * 1024;
}

// Measures what `run` does, which returns how much that was.
async function measured(pid, run) {
  const before = [await cpu(pid), await cpu("self")];
  const began = process.hrtime.bigint();
  const count = await run();
  const wall = process.hrtime.bigint() - began;
  const after = [await cpu(pid), await cpu("self")];
  return { count, wall_ns: Number(wall), server_ns: after[0] - before[0], client_ns: after[1] - before[1] };
}

// Counts what comes, and checks it.
class Taken {
  total = 0;
  next = null;

  item(item) {
    if (this.next !== null && item !== this.next) throw new Error(`${item} came instead of ${this.next}`);
    this.next = item + 1;
    this.total += 1;
  }

  chunk(length) {
    if (length !== CHUNK) throw new Error(`a chunk of ${length} bytes`);
    this.total += length;
  }
}

async function add(peer, n) {
  const sum = await peer.add(n, 1);
  if (sum !== n + 1) throw new Error(`${n} + 1 is answered ${sum}`);
}

async function calls(peer, window, count) {
  let made = 0;
  const caller = async () => {
    while (made < count) await add(peer, made++);
  };
  await Promise.all(Array.from({ length: window }, caller));
  return count;
}

async function connections(connect, count) {
  for (let n = 0; n < count; n += 1) {
    const peer = await connect();
    await add(peer, n);
    await peer.close();
  }
  return count;
}

async function open(connect, count) {
  const peers = [];
  for (let n = 0; n < count; n += 1) {
    const peer = await connect();
    await add(peer, n);
    peers.push(peer);
  }
  await sleep(QUIET);
  return peers;
}

// `total` tells how much has come so far.
async function stream({ pid, first, second }, total) {
  await sleep(first);
  const begin = await total();
  return measured(pid, async () => {
    await sleep(second);
    return (await total()) - begin;
  });
}

async function arrive(taken, next) {
  const since = Date.now();
  while (!taken.every((one) => one.next === next)) {
    if (Date.now() - since > PATIENCE) throw new Error("what was published is lost");
    await sleep(1);
  }
}

const CASES = {
  async call(connect, { pid, first, second }) {
    const peer = await connect();
    await calls(peer, first, Math.floor(second / 2));
    return measured(pid, () => calls(peer, first, second));
  },

  async connect(connect, { pid, first, second }) {
    await connections(connect, first);
    return measured(pid, () => connections(connect, second));
  },

  async idle(connect, { pid, first, second }) {
    const held = await open(connect, first);
    const begin = [resident(pid), resident("self")];
    held.push(...(await open(connect, second)));
    const end = [resident(pid), resident("self")];
    const bytes = [0, 1].map((index) => Math.max(0, end[index] - begin[index]));
    return { count: second, wall_ns: 0, server_bytes: bytes[0], client_bytes: bytes[1] };
  },

  async push(connect, { pid, first, second }) {
    const heard = [];
    for (let n = 0; n < first; n += 1) {
      const taken = new Taken();
      await (await connect()).listen(taken);
      heard.push(taken);
    }
    const publisher = await connect();
    let next = 0;
    if ((await publisher.publish(next++)) !== first) throw new Error("not all listen");
    await arrive(heard, next);
    return measured(pid, async () => {
      for (let burst = 0; burst < second; burst += 1) {
        for (let n = 0; n < BURST; n += 1) await publisher.publish(next++);
        await arrive(heard, next);
      }
      return second * BURST * first;
    });
  },
};

for (const what of ["items", "chunks"]) {
  CASES[`${what}-down`] = async (connect, ends) => {
    const taken = new Taken();
    await (await connect())[`${what}Down`](taken);
    return stream(ends, async () => taken.total);
  };
  CASES[`${what}-up`] = async (connect, ends) => {
    const peer = await connect();
    await peer[`${what}Up`]();
    return stream(ends, () => peer.taken());
  };
}

// Which methods of a client a case needs beside `add`.
const NEEDS = {
  push: "listen",
  "items-down": "itemsDown",
  "items-up": "itemsUp",
  "chunks-down": "chunksDown",
  "chunks-up": "chunksUp",
};

// `serve` says where it listens; `Client.connect(url)` is a promise of a client.
exports.main = async (serve, Client) => {
  const [role, name, address, pid, first, second] = process.argv.slice(2);
  if (role === "server") return serve((port) => console.log(`listening on 127.0.0.1:${port}`));
  if (NEEDS[name] && !Client.prototype[NEEDS[name]]) {
    console.log("null");
    return process.exit(0);
  }
  const ends = { pid, first: Number(first), second: Number(second) };
  const found = await CASES[name](() => Client.connect(`ws://${address}`), ends);
  console.log(JSON.stringify({ server_ns: 0, client_ns: 0, server_bytes: 0, client_bytes: 0, ...found }));
  process.exit(0);
};

exports.CHUNK = CHUNK;
