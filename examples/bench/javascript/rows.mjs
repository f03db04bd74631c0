// Who is measured with which server.

/** The servers: how they are called in the table, and the file of those that are programs of Node. */
export const SERVERS = {
  reference: { title: "this framework in Rust" },
  plain: { title: "`ws` in Node, by hand", file: "plain" },
  two_way: { title: "this framework in Node", file: "two_way" },
  birpc: { title: "`birpc` in Node", file: "birpc" },
  capnweb: { title: "`capnweb` in Node", file: "capnweb" },
  socket_io: { title: "`socket.io` in Node", file: "socket_io" },
};

export const WINDOWS = [1, 16, 256];

/** How the libraries are called in the table. */
export const TITLES = {
  two_way: "**this framework**",
  two_way_subscribe: "… items of a stream",
  bare: "bare `WebSocket`",
  rpc_websockets: "`rpc-websockets`",
  vscode_jsonrpc: "`vscode-jsonrpc`",
  json_rpc_2: "`json-rpc-2.0`",
  hediet: "`@hediet/json-rpc`",
  birpc: "`birpc`",
  capnweb: "`capnweb`",
  socket_io: "`socket.io-client`",
};

const JSON_RPC = ["two_way", "bare", "rpc_websockets", "vscode_jsonrpc", "json_rpc_2", "hediet"];

/** A row, and the server whose row of ours it is compared with. */
const row = (library, server, beside = server, windows = WINDOWS) => ({ library, server, beside, windows });

/** Those that speak JSON-RPC have the same server; the others that of their library, as this framework has here. */
export const ROWS = [
  ...JSON_RPC.map((library) => row(library, "reference")),
  row("two_way_subscribe", "reference", "reference", []),
  ...JSON_RPC.map((library) => row(library, "plain")),
  row("two_way", "two_way"),
  ...["birpc", "capnweb", "socket_io"].map((library) => row(library, library, "two_way")),
];
