// npm's `@modelcontextprotocol/sdk` as a server over its own standard input and output, for `pipes`: its own handling of
// requests, without the tools that stand on it. Its params are by name.

const { Server } = require("@modelcontextprotocol/sdk/server/index.js");
const { StdioServerTransport } = require("@modelcontextprotocol/sdk/server/stdio.js");

const server = new Server({ name: "adder", version: "1.0.0" }, { capabilities: {} });
server.fallbackRequestHandler = async ({ params }) => ({ sum: params.a + params.b });
server.connect(new StdioServerTransport());
