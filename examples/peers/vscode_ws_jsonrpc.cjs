// npm's `vscode-ws-jsonrpc`, by which editors in browsers speak with language servers.

const WebSocket = require("ws");
const { load, main } = require("./checks.cjs");
const { edits } = require("./editor.cjs");

main(async () => {
  const { createWebSocketConnection, toSocket, ConsoleLogger } = await load("vscode-ws-jsonrpc");
  const rpc = await import(rpcOf("vscode-ws-jsonrpc"));
  const socket = new WebSocket(process.argv[2]);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const editor = createWebSocketConnection(toSocket(socket), new ConsoleLogger());
  editor.listen();
  await edits("vscode-ws-jsonrpc", editor, rpc);
  editor.dispose();
  socket.close();
});

/** The `vscode-jsonrpc` that a package uses, which need not be ours. */
function rpcOf(name) {
  const { createRequire } = require("node:module");
  const path = require("node:path");
  return createRequire(path.join(process.env.NODE_PATH, name, "package.json")).resolve("vscode-jsonrpc");
}
