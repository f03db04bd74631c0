// Documents against the official parser of AsyncAPI.

const fs = require("node:fs");
const path = require("node:path");
const { Parser, DiagnosticSeverity } = require("@asyncapi/parser");

(async () => {
  const parser = new Parser();
  for (const file of process.argv.slice(2)) {
    const { document, diagnostics } = await parser.parse(fs.readFileSync(file, "utf8"));
    const errors = diagnostics.filter(({ severity }) => severity === DiagnosticSeverity.Error);
    if (errors.length || !document) throw new Error(`${file}: ${JSON.stringify(errors.slice(0, 5), null, 1)}`);
    const operations = document.operations().all();
    const sent = operations.filter((operation) => operation.isSend()).length;
    console.log(`ok      @asyncapi/parser: ${path.basename(file)}, ${sent} sent, ${operations.length - sent} received`);
  }
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
