// How busy all agents were in the last half minute.

/** How many samples that is. */
export const ROOM = 120;

export class History {
  /** @type {{ at: number, cpu: Record<string, number> }[]} */
  samples = [];

  /** Takes in a sample. One that has come before, as after another session, is left out. */
  add(sample) {
    if (sample.at <= (this.samples.at(-1)?.at ?? 0)) return false;
    this.samples.push(sample);
    if (this.samples.length > ROOM) this.samples.shift();
    return true;
  }

  /** @returns {(number | undefined)[]} */
  of(name) {
    return this.samples.map(({ cpu }) => cpu[name]);
  }

  /** @returns the columns of the chart: times, most, least, mean, and one agent. */
  columns(name) {
    const columns = [[], [], [], [], []];
    for (const { at, cpu } of this.samples) {
      const values = Object.values(cpu);
      const sum = values.reduce((sum, value) => sum + value, 0);
      const isEmpty = values.length === 0;
      columns[0].push(at / 1000);
      columns[1].push(isEmpty ? null : Math.max(...values));
      columns[2].push(isEmpty ? null : Math.min(...values));
      columns[3].push(isEmpty ? null : sum / values.length);
      columns[4].push(cpu[name] ?? null);
    }
    return columns;
  }
}
