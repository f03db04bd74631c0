// The table of all that was found.

import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { SERVERS, TITLES, WINDOWS } from "./rows.mjs";

const NAMES = { node: "Node", chromium: "Chromium" };
const WHERE = Object.keys(NAMES);

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const micros = (number) => `${number.toFixed(2)} µs`;
const whole = (number) => Math.round(number).toLocaleString("en");

/** A figure and, in brackets, how many times ours it is: the median of the ratios within each round. */
function cell(rounds, ours, of, text) {
  if (rounds.some((found) => of(found) === undefined)) return "";
  const figure = text(median(rounds.map(of)));
  if (rounds === ours) return figure;
  return `${figure} (${median(rounds.map((found, round) => of(found) / of(ours[round]))).toFixed(2)})`;
}

function columns(where) {
  const calls = WINDOWS.map((window) => [`calls/s, ${window} at once`, (found) => found[window]?.perSecond, whole]);
  const items = ["items/s", (found) => found.items.perSecond, whole];
  const time = [`CPU of a call, ${WINDOWS.at(-1)} at once`, (found) => found[WINDOWS.at(-1)]?.micros, micros];
  return [...calls, items, ...(where === "node" ? [time] : [])];
}

/** Says how this framework compares with the best other library where most calls are outstanding. */
function best(rows, found) {
  const window = WINDOWS.at(-1);
  const figures = WHERE.flatMap((where) =>
    ["reference", "plain", "two_way"].map((server) => {
      const isLibrary = ({ library, windows }) => library !== "bare" && windows.includes(window);
      const group = rows.filter((row) => row.beside === server && isLibrary(row));
      const [ours, ...others] = group.map((row) => found[where].get(row).map((played) => played[window].perSecond));
      const ratios = ours.map((perSecond, round) => perSecond / Math.max(...others.map((each) => each[round])));
      return `${median(ratios).toFixed(2)} in ${NAMES[where]} with ${SERVERS[server].title}`;
    }),
  );
  return `With ${window} calls at once this framework makes so many times the calls of the best other library: \
${figures.join("; ")}.`;
}

/** The version of a package, by the file that it was installed with. */
function version(name) {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}

/** Which packages were measured, in which version. */
function versions(libraries) {
  const names = new Set(libraries.flatMap(({ packages }) => packages));
  names.delete("two-way-json-rpc");
  return [...names, "socket.io", "ws", "bufferutil"].map((name) => `\`${name}\` ${version(name)}`).join(", ");
}

/**
 * `found` has a map for each place, from the row to what each round found; `sizes` and `libraries` are by the name of a
 * library.
 */
export function markdown({ rows, found, sizes, libraries, rounds, chromium }) {
  const all = WHERE.flatMap((where) => columns(where).map((column) => [where, ...column]));
  const titles = all.map(([where, title]) => `${NAMES[where]}: ${title}`);
  const lines = rows.map((row) => {
    const ours = rows.find(({ library, server }) => library === "two_way" && server === row.beside);
    const cells = all.map(([where, , of, text]) => cell(found[where].get(row), found[where].get(ours), of, text));
    const size = row.windows.length > 0 ? whole(sizes[row.library]) : "";
    const asked = row.windows.length === 0 ? "" : libraries[row.library].askBack ? "yes" : "no";
    return [TITLES[row.library], SERVERS[row.server].title, size, asked, ...cells];
  });
  const head = ["client", "server", "bytes", "can be called", ...titles];
  const table = [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, Chromium ${chromium}, ${date}`;
  const paragraphs = [
    "# The TypeScript peer beside other libraries of JavaScript",
    `Measured by \`examples/bench/javascript/run\` on: ${machine}; the median of ${rounds} rounds. In brackets, how \
many times the figure of this framework with the same server it is, the median of the ratios within each round. The \
last three have protocols of their own, and are beside this framework at both ends in Node.`,
    `Each library is used as its own docs say: the files in \`examples/bench/javascript/libraries\`. Bytes are those \
of the smallest program that makes a call, answers one and hears notifications, bundled by esbuild for browsers, \
minified and gzipped. A call is \`add(a, b)\`, an item a notification with a number, of which the server sends 1,000 \
at a time. Each answer and each item is checked. The servers run on one core, Node's clients on the other, with the \
WebSocket of \`ws\`; Chromium runs where it likes, each client in a page of its own. CPU is the processor time of the \
client.`,
    "Whatever else runs on the machine slows all of them, so only ratios say much.",
    best(rows, found),
    table,
    `${versions(Object.values(libraries))}.`,
  ];
  return `${paragraphs.join("\n\n")}\n`;
}
