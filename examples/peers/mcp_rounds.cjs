// npm's `@modelcontextprotocol/client`, revision 2026-07-28: a host that starts an MCP server of ours. Its tools cannot
// ask it: they end a call with what they need, and the host makes the call again.

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const { Client } = require("@modelcontextprotocol/client");
const { StdioClientTransport } = require("@modelcontextprotocol/client/stdio");
const { assert, check, failure, main } = require("./checks.cjs");

const REVISION = "2026-07-28";
const [command, ...args] = process.argv.slice(2);

main(async () => {
  const host = (capabilities) => {
    const options = { capabilities, versionNegotiation: { mode: { pin: REVISION } } };
    return new Client({ name: "host", version: "1.0.0" }, options);
  };
  const client = host({ elicitation: {}, sampling: {}, roots: {} });
  let asked = 0;
  let action = "accept";
  client.setRequestHandler("elicitation/create", ({ params }) => {
    asked += 1;
    if (action === "throw") throw new Error("the user is out");
    const [answer] = Object.keys(params.requestedSchema.properties);
    return action === "accept" ? { action, content: { [answer]: "Oslo" } } : { action };
  });
  client.setRequestHandler("sampling/createMessage", ({ params }) => {
    const text = `so you ask: ${params.messages[0].content.text}`;
    return { model: "m1", role: "assistant", content: { type: "text", text } };
  });
  client.setRequestHandler("roots/list", () => ({ roots: [{ uri: "file:///work" }] }));
  const faults = [];
  client.onerror = (error) => faults.push(error);
  const test = (name, run) => check(`MCP client, revision ${REVISION}`, name, run);
  const tool = (name, args, more) => client.callTool({ name, arguments: args, ...more });
  const text = ({ content }) => content[0].text;

  await test("asks what the server is (server/discover), and for its tools", async () => {
    await client.connect(new StdioClientTransport({ command, args }));
    assert.deepStrictEqual(client.getServerVersion(), { name: "rounds", version: "1.0.0" });
    const { tools } = await client.listTools();
    assert.deepStrictEqual(tools.map(({ name }) => name), ["trip", "ask", "later", "meta"]);
  });
  await test("answers a tool in two rounds: by its user, its model and its folders", async () => {
    const expected = "Oslo: so you ask: What is to be seen in Oslo?, see file:///work";
    assert.strictEqual(text(await tool("trip", {})), expected);
  });
  await test("many calls at once have rounds of their own", async () => {
    const calls = Array.from({ length: 20 }, (_, n) => tool("ask", { times: n % 5 }));
    const rounds = (await Promise.all(calls)).map(text);
    assert.deepStrictEqual(rounds, calls.map((_, n) => `${n % 5} rounds`));
  });
  await test("a user who declines is heard", async () => {
    action = "decline";
    assert.strictEqual(text(await tool("trip", {})), "nobody goes anywhere");
    action = "accept";
  });
  await test("calls again a tool that asks for nothing", async () => {
    assert.strictEqual(text(await tool("later", { times: 2 })), "2 rounds");
  });
  await test("10 rounds are done, and an 11th is not", async () => {
    assert.strictEqual(text(await tool("ask", { times: 10 })), "10 rounds");
    asked = 0;
    assert.strictEqual((await failure(tool("ask", { times: 11 }))).code, "INPUT_REQUIRED_ROUNDS_EXCEEDED");
    assert.strictEqual(asked, 10);
  });
  await test("a failure of its own ends the call", async () => {
    action = "throw";
    assert.match((await failure(tool("trip", {}))).message, /the user is out/);
    action = "accept";
  });
  await test("`_meta` is kept", async () => {
    const meta = JSON.parse(text(await tool("meta", {}, { _meta: { "example.org/trace": [1] } })));
    assert.deepStrictEqual(meta["example.org/trace"], [1]);
  });
  await test("a host is not asked for what it cannot do", async () => {
    const poor = host({});
    await poor.connect(new StdioClientTransport({ command, args }));
    const { code, data } = await failure(poor.callTool({ name: "trip", arguments: {} }));
    assert.deepStrictEqual([code, data], [-32021, { requiredCapabilities: { elicitation: {} } }]);
    await poor.close();
  });
  await test("nothing of what we sent was foreign to it", async () => {
    assert.deepStrictEqual(faults, []);
  });
  await test("the server ends with its input", async () => {
    const { _process: server } = client.transport;
    await client.close();
    assert.deepStrictEqual([server.exitCode, server.signalCode], [0, null]);
  });
  await test("texts as ids, later members and other revisions, by hand", async () => {
    const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    const ask = async (id, method, revision, more) => {
      const _meta = {};
      if (revision) _meta["io.modelcontextprotocol/protocolVersion"] = revision;
      _meta["io.modelcontextprotocol/clientCapabilities"] = {};
      server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...more, _meta } })}\n`);
      const [line] = await once(server.stdout, "data");
      const answer = JSON.parse(line);
      assert.strictEqual(answer.id, id);
      return answer;
    };
    const { result } = await ask("discover-1", "server/discover", REVISION, { later: { than: 2026 } });
    assert.deepStrictEqual(result.supportedVersions, [REVISION]);
    const { error } = await ask("discover-2", "server/discover", "2027-01-01");
    assert.deepStrictEqual([error.code, error.data.supported], [-32022, [REVISION]]);
    assert.strictEqual((await ask("", "server/discover")).error.code, -32602);
    server.stdin.end();
    assert.deepStrictEqual(await once(server, "exit"), [0, null]);
  });
});
