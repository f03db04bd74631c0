// Documents against the official JSON Schema of OpenRPC 1.4, and read by its official library.

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const Ajv = require("ajv").default;
const { OpenRPCSpecificationSchema1_4: metaSchema } = require("@open-rpc/spec");
const { parseOpenRPCDocument, validateOpenRPCDocument } = require("@open-rpc/schema-utils-js");

// What a schema is, the specification leaves to this meta schema, whose address it writes without the slash.
const ajv = new Ajv({ strict: false, logger: false });
const { $schema: _, ...schemas } = require("@json-schema-tools/meta-schema").default;
ajv.addSchema(schemas);
const { $schema, $id, ...rules } = metaSchema;
const text = JSON.stringify(rules).replaceAll('"https://meta.json-schema.tools"', `"${schemas.$id}"`);
const validate = ajv.compile(JSON.parse(text));

async function check(file) {
  const document = JSON.parse(fs.readFileSync(file));
  assert.ok(validate(document), `${file}: ${JSON.stringify(validate.errors)}`);
  // Each schema is one of draft 7, and what it refers to is there.
  const schemas = new Ajv({ strict: false, logger: false });
  for (const name of Object.keys(document.components.schemas)) {
    schemas.compile({ $ref: `#/components/schemas/${name}`, components: document.components });
  }
  assert.strictEqual(validateOpenRPCDocument(document), true, file);
  const parsed = await parseOpenRPCDocument(document, { dereference: false });
  assert.strictEqual(parsed.methods.length, document.methods.length);
  console.log(`ok      @open-rpc: ${path.basename(file)}, ${document.methods.length} methods`);
}

(async () => {
  for (const file of process.argv.slice(2)) await check(file);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
