// What esbuild makes of a library: for a page, and for Node.

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].contents;
}

/** Returns the module that plays the part of a library. */
export async function pageBundle(name) {
  const contents = `
    import * as library from "./libraries/${name}.mjs";
    import { play as plays } from "./play.mjs";
    export const play = (url, plan) => plays(library, url, plan);
  `;
  return Buffer.from(await bundle(contents));
}

/** Returns the bytes, gzipped, of the smallest program that makes a call, serves one (if it can) and hears ticks. */
export async function smallestProgram(name) {
  const contents = `
    import { add, connect } from "./libraries/${name}.mjs";
    const end = await connect("wss://example.com/rpc", { ask: (n) => n + 1, tick: console.log });
    console.log(await add(end, 1, 2));
  `;
  return gzipSync(await bundle(contents), { level: 9 }).length;
}

/** Node cannot load what `@hediet` publishes: a bundler must find its files. All other packages stay as they are. */
const installed = {
  name: "installed",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[^./]/ }, ({ path }) => (path.startsWith("@hediet/") ? undefined : { path, external: true })),
};

/** Makes the modules for Node, in the folder `built`. */
export async function buildForNode(names) {
  await build({
    absWorkingDir: here,
    entryPoints: names.map((name) => `libraries/${name}.mjs`),
    outdir: "built",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [installed],
    logLevel: "error",
  });
}
