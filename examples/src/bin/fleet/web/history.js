// How busy all agents were in the last half minute.

/** How many samples that is. */
export const ROOM = 120;

export class History {
  /** @type {{ at: number, cpu: Record<string, number>, most: number, least: number, mean: number }[]} */
  samples = [];

  /** Takes in a sample. One that has come before, as after another session, is left out. */
  add({ at, cpu }) {
    if (at <= (this.samples.at(-1)?.at ?? 0)) return false;
    const values = Object.values(cpu);
    const sum = values.reduce((sum, value) => sum + value, 0);
    const [most, least, mean] =
      values.length > 0 ? [Math.max(...values), Math.min(...values), sum / values.length] : [];
    this.samples.push({ at, cpu, most, least, mean });
    if (this.samples.length > ROOM) this.samples.shift();
    return true;
  }

  /** @returns {(number | undefined)[]} */
  of(name) {
    return this.samples.map(({ cpu }) => cpu[name]);
  }

  /** @returns the columns of the chart: times, most, least, mean, and one agent. */
  columns(name) {
    const column = (of) => this.samples.map(of);
    return [
      column(({ at }) => at / 1000),
      column(({ most }) => most ?? null),
      column(({ least }) => least ?? null),
      column(({ mean }) => mean ?? null),
      column(({ cpu }) => cpu[name] ?? null),
    ];
  }
}
