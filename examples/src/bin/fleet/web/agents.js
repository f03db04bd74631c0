// The table of the agents. Of a new value it touches only the rows that are other objects than before, and of those out
// of sight only what has changed within a second.

import { draw } from "./spark.js";
import { ROOM } from "./history.js";

const element = (tag, className, ...children) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
};

const LINKS = { up: "connected", away: "link lost", gone: "has left" };

/** A row, and the parts of it that change. */
class Row {
  #name = new Text();
  #version = new Text();
  #link = element("span", "unseen");
  #cpu = new Text("–");
  #memory = new Text("–");
  #load = new Text("–");
  #task = new Text();
  #bar = element("i");
  spark = element("canvas", "spark");
  isVisible = true;
  /** What the row is to show. */
  value;
  #shown = {};

  constructor(name) {
    this.#name.data = name;
    const numbers = (drawing, text) => element("td", "", element("div", "of", drawing, element("span", "", text)));
    const cells = [
      element(
        "td",
        "",
        element("span", "dot"),
        element("span", "name", this.#name),
        this.#link,
        element("span", "version", this.#version),
      ),
      numbers(this.spark, this.#cpu),
      numbers(element("div", "bar", this.#bar), this.#memory),
      element("td", "load", this.#load),
      element("td", "doing", this.#task),
    ];
    this.tr = element("tr", "", ...cells);
    // The style makes boxes of the table, which takes its roles from it.
    this.tr.role = "row";
    for (const cell of cells) cell.role = "gridcell";
    Object.assign(this.tr, { tabIndex: -1, ariaSelected: "false" });
    this.tr.dataset.name = name;
  }

  show() {
    const before = this.#shown;
    const { link, cpu, memory, load, version, task } = (this.#shown = this.value);
    if (link !== before.link) {
      this.tr.dataset.is = link;
      this.#link.textContent = LINKS[link];
    }
    if (version === "") return; // it has not told yet
    if (cpu !== before.cpu) this.#cpu.data = `${cpu.toFixed(1)} %`;
    if (memory !== before.memory) {
      this.#memory.data = `${memory.toFixed(1)} %`;
      this.#bar.style.transform = `scaleX(${memory / 100})`;
    }
    if (load !== before.load) this.#load.data = load.toFixed(1);
    if (version !== before.version) this.#version.data = version;
    if (task !== before.task) this.#task.data = task ? `${task.name} ${task.percent} %` : "";
  }
}

export class Agents {
  #body;
  #onSelect;
  #onOpen;
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #shown = {};
  #selected;
  /** How many rows have changed. */
  changes = 0;

  #visible = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = this.#rows.get(target.dataset.name);
      if (!row) continue;
      row.isVisible = isIntersecting;
      if (isIntersecting) row.show();
    }
  });

  /** `onSelect`: told of an agent that is chosen. `onOpen`: Enter was pressed. */
  constructor(body, onSelect, onOpen) {
    this.#body = body;
    this.#onSelect = onSelect;
    this.#onOpen = onOpen;
    body.addEventListener("click", ({ target }) => this.#choose(target.closest("tr")));
    body.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get selected() {
    return this.#selected;
  }

  show(agents) {
    if (agents === this.#shown) return;
    for (const name in agents) {
      const value = agents[name];
      const row = this.#rows.get(name) ?? this.#add(name);
      if (row.value === value) continue;
      const isNew = !row.value;
      row.value = value;
      if (row.isVisible || isNew) row.show();
      this.changes++;
      if (name === this.#selected) this.#onSelect(name, value);
    }
    for (const name in this.#shown) if (!Object.hasOwn(agents, name)) this.#remove(name);
    this.#shown = agents;
    if (this.#selected === undefined) this.select(this.#body.rows[0]?.dataset.name);
  }

  /** Brings the rows that are out of sight up to date. */
  catchUp() {
    for (const row of this.#rows.values()) if (!row.isVisible) row.show();
  }

  /** Draws the lines of the rows that are in sight. */
  draw(history) {
    for (const [name, { spark, isVisible }] of this.#rows) if (isVisible) draw(spark, history.of(name), ROOM);
  }

  select(name) {
    if (name === this.#selected) return;
    const mark = (row, isSelected) => {
      if (row) Object.assign(row.tr, { tabIndex: isSelected ? 0 : -1, ariaSelected: String(isSelected) });
    };
    mark(this.#rows.get(this.#selected), false);
    mark(this.#rows.get(name), true);
    this.#selected = name;
    this.#onSelect(name, this.#rows.get(name)?.value);
  }

  focus() {
    this.#rows.get(this.#selected)?.tr.focus();
  }

  #add(name) {
    const row = new Row(name);
    this.#rows.set(name, row);
    const next = [...this.#body.rows].find((other) => other.dataset.name > name);
    this.#body.insertBefore(row.tr, next ?? null);
    this.#visible.observe(row.tr);
    return row;
  }

  #remove(name) {
    const { tr } = this.#rows.get(name);
    const hadFocus = tr === document.activeElement;
    const next = tr.nextElementSibling ?? tr.previousElementSibling;
    this.#visible.unobserve(tr);
    tr.remove();
    this.#rows.delete(name);
    if (name === this.#selected) this.select(next?.dataset.name);
    if (hadFocus) this.focus();
  }

  #choose(tr) {
    if (!tr) return;
    this.select(tr.dataset.name);
    tr.focus();
  }

  #onKey(event) {
    const tr = event.target.closest("tr");
    if (!tr) return;
    const { rows } = this.#body;
    const at = tr.sectionRowIndex;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (event.key === "Enter") this.#onOpen();
    else if (to === undefined) return;
    else this.#choose(rows[to]);
    event.preventDefault();
  }
}
