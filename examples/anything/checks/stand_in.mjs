// `stand_in.mjs SCRIPT` runs the script of a page without a browser, says yes to what it asks, and prints what the
// page shows.

import { readFileSync } from "node:fs";

const body = {};
const confirm = (question) => {
  console.log("it asks:", question);
  return true;
};
Object.assign(globalThis, { window: { confirm }, document: { body } });

// A module, whatever the folder says of its files.
await import(`data:text/javascript;base64,${readFileSync(process.argv[2]).toString("base64")}`);
console.log("it shows:", body.textContent);
process.exit(); // the connection is open, as that of a page
