// npm's `vscode-jsonrpc`, as editors use it: it starts a language server of ours, and speaks with it over pipes.

const { spawn } = require("node:child_process");
const rpc = require("vscode-jsonrpc/node");
const { assert, check, main } = require("./checks.cjs");
const { edits } = require("./editor.cjs");

main(async () => {
  const server = spawn(process.argv[2], process.argv.slice(3), { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise((resolve) => server.on("exit", (code, signal) => resolve([code, signal])));
  const [reader, writer] = [new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin)];
  const editor = rpc.createMessageConnection(reader, writer);
  const faults = [];
  editor.onError((fault) => faults.push(fault));
  editor.listen();
  await edits("vscode-jsonrpc over pipes", editor, rpc);
  await check("vscode-jsonrpc over pipes", "the server ends with its input", async () => {
    editor.end();
    server.stdin.end();
    assert.deepStrictEqual(await exited, [0, null]);
    assert.deepStrictEqual(faults, []);
  });
  editor.dispose();
});
