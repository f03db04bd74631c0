// The large chart: the mean of all agents, the range between the least and the most busy one, and one agent.

import { colour } from "./spark.js";

const SECONDS = 30;

const { uPlot } = window;

export class Chart {
  #at;
  #plot;
  #columns = [[], [], [], [], []];

  constructor(at) {
    this.#at = at;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(at);
    addEventListener("themechange", () => this.#make());
    this.#make();
  }

  show(columns) {
    this.#columns = columns;
    this.#plot.setData(columns);
  }

  #size() {
    return { width: this.#at.clientWidth, height: this.#at.clientHeight };
  }

  #make() {
    this.#plot?.destroy();
    const [accent, band, chosen, line, quiet] = ["accent", "band", "chosen", "line", "quiet"].map(colour);
    const edge = { stroke: "transparent", points: { show: false } };
    const curve = (stroke) => ({ stroke, width: 2, points: { show: false } });
    const axis = {
      stroke: quiet,
      font: "12px system-ui, sans-serif",
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
    };
    const options = {
      ...this.#size(),
      pxAlign: 0,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: (_, __, newest) => [(newest ?? 0) - SECONDS, newest ?? 0] },
        y: { range: [0, 100] },
      },
      series: [{}, edge, edge, curve(accent), curve(chosen)],
      bands: [{ series: [1, 2], fill: band }],
      axes: [
        {
          ...axis,
          size: 26,
          splits: (_, __, oldest, newest) => [0, 1, 2, 3].map((part) => oldest + (part / 3) * (newest - oldest)),
          values: (_, times) => times.map((time) => `${Math.round(time - times.at(-1))} s`.replace(/^-?0 s/, "now")),
        },
        {
          ...axis,
          size: 46,
          gap: 6,
          splits: [0, 25, 50, 75, 100],
          values: (_, all) => all.map((value) => `${value} %`),
        },
      ],
    };
    this.#plot = new uPlot(options, this.#columns, this.#at);
  }
}
