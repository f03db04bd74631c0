// The page of the fleet: what the server publishes goes into the table and the charts, buttons call agents through the
// server, and the server calls this page.

import { followPage, keepConnected, liveness, method, subscribe, watch } from "./vendor/two-way-json-rpc.js";
import { Agents } from "./agents.js";
import { Chart } from "./chart.js";
import { Detail } from "./detail.js";
import { Events } from "./events.js";
import { History } from "./history.js";
import { LinkState } from "./link.js";
import { Questions } from "./questions.js";

/** Milliseconds between two values of the table: more often nobody can read them. */
const THROTTLE = 100;

const byId = (id) => document.getElementById(id);
const questions = new Questions();
const link = new LinkState(() => client.reconnectNow());
const client = keepConnected(`${location.protocol.replace("http", "ws")}//${location.host}/rpc`, {
  handlers: { "page.ask": method(["question"], (question, context) => questions.ask(question, context)) },
  features: [liveness()],
  // Again in each fresh session: from then on the server asks this page.
  onSession: (peer) => peer.call("console.attend"),
  onState: (state) => link.show(state),
});
followPage(client);

const history = new History();
const chart = new Chart(byId("chart"));
const detail = new Detail(client, () => agents.focus());
const agents = new Agents(byId("rows"), choose, () => detail.focus());
/** @type {Record<string, object>} */
let fleet = {};
let chosen;

function choose(name, value) {
  detail.show(name, value);
  if (name === chosen) return;
  chosen = name;
  byId("legend-one").textContent = name ?? "";
  chart.show(history.columns(name));
}

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

async function showState() {
  for await (const state of watch(subscribe(client, "console.state"), { throttle: THROTTLE })) {
    await frame();
    fleet = state.agents;
    agents.show(fleet);
  }
}

async function showSamples() {
  let isWaiting = false;
  // What has been comes at once, and is drawn once.
  for await (const sample of subscribe(client, "console.samples", undefined, { onGap() {} })) {
    if (!history.add(sample) || isWaiting) continue;
    isWaiting = true;
    void draw().then(() => (isWaiting = false));
  }
}

/** Draws what comes with a sample, each part in a frame of its own, so that no frame is late. */
async function draw() {
  await frame();
  chart.show(history.columns(chosen));
  await frame();
  agents.draw(history);
  await frame();
  showTiles();
}

async function showEvents() {
  const events = new Events();
  // After a gap the last ones come again.
  for await (const event of subscribe(client, "console.events", undefined, { onGap: () => events.clear() })) {
    events.add(event);
  }
}

/** When the changes were counted last, and how many there were. */
let counted = { at: performance.now(), changes: 0 };

function showTiles() {
  const all = Object.values(fleet);
  const up = all.filter((row) => row.link === "up");
  const mean = (of) => (up.length === 0 ? "–" : (up.reduce((sum, row) => sum + row[of], 0) / up.length).toFixed(1));
  tile("up", up.length, `of ${all.length}`);
  tile("cpu", mean("cpu"), "%");
  tile("memory", mean("memory"), "%");
  const now = performance.now();
  if (now - counted.at < 1000) return;
  agents.catchUp();
  tile("changes", Math.round(((agents.changes - counted.changes) / (now - counted.at)) * 1000), "");
  counted = { at: now, changes: agents.changes };
}

function tile(id, value, unit) {
  const small = Object.assign(document.createElement("small"), { textContent: unit });
  byId(`tile-${id}`).replaceChildren(`${value} `, small);
}

// Each runs until the client has ended, and what ends it then is shown as the state of the link.
for (const show of [showState, showSamples, showEvents]) {
  show().catch((error) => {
    if (client.state.is !== "ended") throw error;
  });
}
