// npm's `vscode-jsonrpc` as a server over its own standard input and output, for `pipes`.

const rpc = require("vscode-jsonrpc/node");

const [reader, writer] = [new rpc.StreamMessageReader(process.stdin), new rpc.StreamMessageWriter(process.stdout)];
const connection = rpc.createMessageConnection(reader, writer);
connection.onRequest("add", (a, b) => a + b);
connection.listen();
