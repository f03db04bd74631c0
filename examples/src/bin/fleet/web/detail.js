// One agent, and the calls that the buttons make: page to server to agent, and back.

import { CallError, RpcError } from "./vendor/two-way-json-rpc.js";

const byId = (id) => document.getElementById(id);

const gib = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const uptime = (seconds) => {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  return days > 0 ? `${days} d ${hours} h` : `${hours} h ${minutes} min`;
};

export class Detail {
  #client;
  #name;
  #link;
  #title = byId("detail-title");
  #buttons = ["report", "work", "restart"].map(byId);
  #said = byId("said");
  #progress = byId("progress");
  #reported = byId("reported");
  /** What each agent was asked last, by name. */
  #asked = new Map();

  constructor(client, onLeave) {
    this.#client = client;
    const [report, work, restart] = this.#buttons;
    report.addEventListener("click", () => this.#report(this.#name));
    work.addEventListener("click", () => this.#work(this.#name));
    restart.addEventListener("click", () => this.#restart(this.#name));
    byId("detail").addEventListener("keydown", ({ key }) => key === "Escape" && onLeave());
  }

  show(name, value) {
    const link = value?.link;
    if (name === this.#name && link === this.#link) return;
    this.#name = name;
    this.#link = link;
    this.#draw();
  }

  focus() {
    this.#buttons.find(({ disabled }) => !disabled)?.focus();
  }

  #of(name) {
    const asked = this.#asked.get(name) ?? { said: "", report: undefined, percent: undefined, stop: undefined };
    this.#asked.set(name, asked);
    return asked;
  }

  /** Changes what is known of an agent. */
  #set(name, what) {
    Object.assign(this.#of(name), what);
    if (name === this.#name) this.#draw();
  }

  #draw() {
    const { said, report, percent, stop } = this.#of(this.#name);
    this.#title.textContent = this.#name ?? "No agent";
    for (const button of this.#buttons) button.disabled = this.#link !== "up";
    this.#buttons[1].textContent = stop ? "Stop job" : "Run job";
    const text = said || "Each button calls the agent, through the server.";
    if (this.#said.textContent !== text) this.#said.textContent = text;
    this.#progress.hidden = percent === undefined;
    this.#progress.value = percent ?? 0;
    if (this.#reported.report !== report) this.#reported.replaceChildren(...(report ? [lines(report)] : []));
    this.#reported.report = report;
  }

  /** Makes a call, and shows what becomes of it. */
  async #call(name, method, options, done) {
    const begun = performance.now();
    try {
      const result = await this.#client.call(`console.${method}`, [name], options);
      this.#set(name, done(result, Math.round(performance.now() - begun)));
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof CallError)) throw error;
      const wasStopped = error instanceof CallError && error.failure === "cancelled";
      this.#set(name, { said: wasStopped ? "The job was stopped, at the agent as well." : error.message });
    }
  }

  #report(name) {
    this.#set(name, { said: `Asking ${name}` });
    return this.#call(name, "report", {}, (report, ms) => ({ report, said: `${name} has answered within ${ms} ms` }));
  }

  async #work(name) {
    const { stop } = this.#of(name);
    if (stop) return stop.abort();
    const controller = new AbortController();
    this.#set(name, { said: `${name} works`, stop: controller, percent: 0 });
    const options = { signal: controller.signal, onProgress: (percent) => this.#set(name, { percent }) };
    await this.#call(name, "work", options, (_, ms) => ({ said: `Done within ${(ms / 1000).toFixed(1)} s` }));
    this.#set(name, { stop: undefined, percent: undefined });
  }

  #restart(name) {
    this.#set(name, { said: "The server asks whether you are sure" });
    return this.#call(name, "restart", { timeout: 90_000 }, (isSure) => ({
      said: isSure ? `${name} restarts` : `${name} runs on`,
    }));
  }
}

function lines({ host, memory_used, memory_total, disks, uptime: seconds, busiest }) {
  const list = document.createElement("dl");
  const line = (name, value) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    list.append(term, text);
  };
  line("Host", host);
  line("Memory", `${gib(memory_used)} of ${gib(memory_total)}`);
  if (disks[0]) line(`Free on ${disks[0].mount}`, `${gib(disks[0].free)} of ${gib(disks[0].total)}`);
  line("Up", uptime(seconds));
  for (const { name, cpu, memory } of busiest) line(name, `${cpu.toFixed(1)} % · ${gib(memory)}`);
  return list;
}
