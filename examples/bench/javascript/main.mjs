// Measures each library in turn, round after round, in Node and in Chromium: `main.mjs REFERENCE_SERVER TABLE ROUNDS`,
// where ROUNDS may be `quick`.

import { writeFileSync } from "node:fs";
import { buildForNode, smallestProgram } from "./bundles.mjs";
import { Chromium } from "./chromium.mjs";
import { Servers, playInNode } from "./programs.mjs";
import { ROWS, TITLES } from "./rows.mjs";
import { markdown } from "./table.mjs";

const [reference, file, wanted] = process.argv.slice(2);
const isQuick = wanted === "quick";
const rounds = isQuick ? 1 : Number(wanted);
const times = isQuick ? { warm: 20, span: 50 } : { warm: 400, span: 800 };

const names = Object.keys(TITLES);
const byName = async (of) => Object.fromEntries(await Promise.all(names.map(async (name) => [name, await of(name)])));
await buildForNode(names);
const libraries = await byName((name) => import(`./built/${name}.mjs`));
const sizes = await byName(smallestProgram);

const servers = new Servers();
const chromium = new Chromium();
try {
  await chromium.start();
  await servers.start(reference, chromium.origin);
  const places = { node: playInNode, chromium: (...part) => chromium.play(...part) };
  const found = Object.fromEntries(Object.keys(places).map((place) => [place, new Map(ROWS.map((row) => [row, []]))]));
  for (let round = 0; round < rounds; round++) {
    for (const [place, play] of Object.entries(places)) {
      for (const row of ROWS) {
        const part = `${row.library} with ${row.server}, ${place}`;
        const plan = { ...times, windows: row.windows };
        const played = await play(row.library, servers.url(row.server), plan).catch((cause) => {
          throw new Error(part, { cause });
        });
        found[place].get(row).push(played);
        const figures = Object.entries(played).map(([what, { perSecond }]) => `${what}: ${Math.round(perSecond)}/s`);
        console.log(`${round + 1}/${rounds} ${part}: ${figures.join(", ")}`);
      }
    }
  }
  writeFileSync(file, markdown({ rows: ROWS, found, sizes, libraries, rounds, chromium: chromium.version }));
  console.log(`all libraries have played their parts: ${file}`);
} finally {
  await chromium.stop();
  servers.stop();
}
