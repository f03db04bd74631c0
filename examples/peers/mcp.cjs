// npm's `@modelcontextprotocol/sdk`: a host that calls tools, which ask it back. Over a WebSocket, whose URL is the
// argument, or over the pipes of a program that it starts.

const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");
const { WebSocketClientTransport } = require("@modelcontextprotocol/sdk/client/websocket.js");
const types = require("@modelcontextprotocol/sdk/types.js");
const { assert, check, failure, main } = require("./checks.cjs");

main(async () => {
  const capabilities = { sampling: {}, roots: {} };
  const client = new Client({ name: "host", version: "1.0.0" }, { capabilities });
  const asked = [];
  client.setRequestHandler(types.CreateMessageRequestSchema, ({ params }) => {
    asked.push(params.messages[0].content.text);
    if (params.messages[0].content.text.endsWith("nothing")) throw new types.McpError(-1, "user says no", { why: 1 });
    return { model: "m1", role: "assistant", content: { type: "text", text: "in short" } };
  });
  client.setRequestHandler(types.ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///work" }] }));
  const faults = [];
  client.onerror = (error) => faults.push(error);
  const [target, ...args] = process.argv.slice(2);
  const isUrl = target.startsWith("ws:");
  const test = (name, run) => check(isUrl ? "MCP SDK" : "MCP SDK over pipes", name, run);
  const tool = (name, args, options) => client.callTool({ name, arguments: args }, undefined, options);
  const text = ({ content }) => content[0].text;

  await test(isUrl ? "initializes, by the subprotocol `mcp`" : "initializes", async () => {
    if (isUrl) {
      await client.connect(new WebSocketClientTransport(new URL(target)));
      assert.strictEqual(client.transport._socket.protocol, "mcp");
    } else {
      await client.connect(new StdioClientTransport({ command: target, args }));
    }
    assert.deepStrictEqual(client.getServerVersion(), { name: "toolbox", version: "1.0.0" });
    // The revision that has requests of servers.
    assert.strictEqual(types.LATEST_PROTOCOL_VERSION, "2025-11-25");
    await client.ping();
  });
  await test("lists tools", async () => {
    const { tools } = await client.listTools();
    assert.deepStrictEqual(tools.map(({ name }) => name), ["summarize", "folders", "count", "wait", "waiting"]);
  });
  await test("a tool asks its model (sampling/createMessage)", async () => {
    assert.strictEqual(text(await tool("summarize", { text: "a long story" })), "m1 says: in short");
    assert.deepStrictEqual(asked, ["Summarize: a long story"]);
  });
  await test("its errors reach the tool", async () => {
    const { code, data } = await failure(tool("summarize", { text: "nothing" }));
    assert.deepStrictEqual([code, data], [-1, { why: 1 }]);
  });
  await test("a tool asks for its folders (roots/list)", async () => {
    assert.strictEqual(text(await tool("folders", {})), "file:///work");
  });
  await test("calls and is called, many at once", async () => {
    const calls = Array.from({ length: 50 }, () => tool("folders", {}));
    assert.deepStrictEqual(new Set((await Promise.all(calls)).map(text)), new Set(["file:///work"]));
  });
  await test("hears progress", async () => {
    const steps = [];
    const counted = await tool("count", { to: 3 }, { onprogress: (step) => steps.push(step) });
    assert.strictEqual(text(counted), "counted to 3");
    assert.deepStrictEqual(steps, [1, 2, 3].map((progress) => ({ progress, total: 3 })));
  });
  await test("errors keep their code", async () => {
    assert.strictEqual((await failure(tool("nonsense", {}))).code, -32602);
    assert.strictEqual((await failure(client.listPrompts())).code, -32601);
  });
  await test("cancels a tool", async () => {
    const waiting = async () => text(await tool("waiting", {}));
    const abort = new AbortController();
    const call = tool("wait", {}, { signal: abort.signal });
    assert.strictEqual(await waiting(), "1");
    abort.abort("enough");
    await failure(call);
    assert.strictEqual(await waiting(), "0");
  });
  await test("is cancelled: its model is asked no longer by a tool that was", async () => {
    const abort = new AbortController();
    const cancelled = new Promise((resolve) => {
      client.setRequestHandler(types.CreateMessageRequestSchema, (_, { signal }) => {
        signal.addEventListener("abort", resolve);
        abort.abort("enough");
        return new Promise(() => {});
      });
    });
    await failure(tool("summarize", { text: "" }, { signal: abort.signal }));
    await cancelled;
  });
  await test("nothing of what we sent was foreign to it", async () => {
    assert.deepStrictEqual(faults, []);
  });
  if (isUrl) return client.close();
  await test("the server ends with its input", async () => {
    const { _process: server } = client.transport;
    await client.close();
    assert.deepStrictEqual([server.exitCode, server.signalCode], [0, null]);
  });
});
