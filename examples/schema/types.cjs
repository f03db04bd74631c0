// Types of TypeScript, made of a document by the generator of OpenRPC. It resolves all references first, and does not
// come to an end if a type contains itself.

const fs = require("node:fs");
const path = require("node:path");
const OpenRPCTypings = require("@open-rpc/typings").default;
const { parseOpenRPCDocument } = require("@open-rpc/schema-utils-js");

const [file, output] = process.argv.slice(2);

(async () => {
  const document = await parseOpenRPCDocument(JSON.parse(fs.readFileSync(file)), { dereference: true });
  const typings = new OpenRPCTypings(document);
  const text = typings.toString("typescript");
  fs.mkdirSync(path.dirname(output), { recursive: true });
  fs.writeFileSync(output, text);
  console.log(`ok      @open-rpc/typings: ${path.basename(output)}, ${text.split("\n").length} lines`);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
