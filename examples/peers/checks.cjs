// A line for each check of a peer, and an exit code for all of them.

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const LIMIT = 10_000;
let failed = 0;

/** A package that is of ES modules only: `import` does not look where `NODE_PATH` says. */
function load(name) {
  const folder = path.join(process.env.NODE_PATH, name);
  const { main } = JSON.parse(fs.readFileSync(path.join(folder, "package.json")));
  return import(pathToFileURL(path.join(folder, main)));
}

/** Waits for what should be there soon. */
function soon(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("hangs")), LIMIT);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs a test and prints a line. */
async function check(peer, name, test) {
  try {
    await soon(test());
    console.log(`ok      ${peer}: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${peer}: ${name}: ${error?.stack ?? JSON.stringify(error)}`);
  }
}

/** The error of a promise. */
async function failure(promise) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`no error, but ${JSON.stringify(result)}`);
}

/**
 * A `field_server` tells its client something and asks it 50 times while 20 calls of the client's own are in flight:
 * each of these gets its own answer. Returns what became of each question. Comes first on a connection: then the
 * client's calls have low ids, as those of the server would have if it began at 1.
 */
async function askedBack(call) {
  const later = Array.from({ length: 20 }, (_, n) => call("field_later", [n]));
  await call("field_tell", []);
  const [outcome, ...others] = await call("field_askBack", []);
  assert.deepStrictEqual(await Promise.all(later), later.map((_, n) => n));
  assert.deepStrictEqual(others, Array(49).fill(outcome));
  return outcome;
}

/** Runs all, and ends the process: libraries may have timers that never end. */
function main(run) {
  const late = setTimeout(() => {
    console.log("FAILED  not done in a minute");
    process.exit(1);
  }, 60_000);
  run().then(
    () => {
      clearTimeout(late);
      process.exit(failed > 0 ? 1 : 0);
    },
    (error) => {
      console.log(`FAILED  ${error?.stack ?? error}`);
      process.exit(1);
    },
  );
}

module.exports = { askedBack, assert, check, failure, load, main };
