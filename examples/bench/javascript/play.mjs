// What a library does to be measured: the same in Node and in a page.
//
// A library has `connect(url, { ask, tick })`, which resolves to an end that answers `ask` and hears `tick`. Its other
// functions take that end: `add(end, a, b)`, `push(end, n)` by which the server sends so many ticks, `askBack(end, n)`
// by which the server asks the end, unless that cannot be asked, and `close(end)`.

/** Ticks that are sent for one `push`: they fit into the bounds of all. */
const BURST = 1_000;

/** Takes ticks, which must come one after the other from 0. */
class Ticks {
  #next = 0;
  #expected;

  /** Resolves when a burst has come. */
  burst() {
    this.#next = 0;
    return new Promise((resolve, reject) => (this.#expected = { resolve, reject }));
  }

  take(n) {
    if (n !== this.#next++) this.#expected.reject(new Error(`the tick ${n} came as number ${this.#next}`));
    else if (this.#next === BURST) this.#expected.resolve();
  }
}

/** Makes calls until the time is over, so many at a time. */
async function calls(library, end, window, ms) {
  const last = performance.now() + ms;
  let made = 0;
  const caller = async () => {
    do {
      const n = made++;
      const sum = await library.add(end, n, 1);
      if (sum !== n + 1) throw new Error(`${n} + 1 is answered ${sum}`);
    } while (performance.now() < last);
  };
  await Promise.all(Array.from({ length: window }, caller));
  return made;
}

/** Has ticks pushed until the time is over. */
async function pushes(library, end, ticks, ms) {
  const last = performance.now() + ms;
  let heard = 0;
  do {
    const burst = ticks.burst();
    await Promise.all([library.push(end, BURST), burst]);
    heard += BURST;
  } while (performance.now() < last);
  return heard;
}

/** Measures what `run` does, which returns how much that was. */
async function measured(run, processorTime) {
  const [began, used] = [performance.now(), processorTime()];
  const count = await run();
  const ms = performance.now() - began;
  return { perSecond: (count / ms) * 1_000, micros: (processorTime() - used) / count };
}

/**
 * Plays all parts: for each of the `windows` calls, so many at a time, then ticks. `warm` and `span` are milliseconds.
 * `processorTime` is that of this process, in microseconds, where it can be known.
 */
export async function play(library, url, { windows, warm, span }, processorTime = () => 0) {
  const ticks = new Ticks();
  const end = await library.connect(url, { ask: (n) => n + 1, tick: (n) => ticks.take(n) });
  const answer = await library.askBack?.(end, 41);
  if (library.askBack && answer !== 42) throw new Error(`asked back, it answers ${answer}`);
  const found = {};
  for (const window of windows) {
    await calls(library, end, window, warm);
    found[window] = await measured(() => calls(library, end, window, span), processorTime);
  }
  await pushes(library, end, ticks, warm);
  found.items = await measured(() => pushes(library, end, ticks, span), processorTime);
  await library.close(end);
  return found;
}
