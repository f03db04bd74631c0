// npm's `@modelcontextprotocol/server`, revision 2026-07-28: its tools end a call with what they need, and are called
// again.

const { Server, inputRequired } = require("@modelcontextprotocol/server");
const { serveStdio } = require("@modelcontextprotocol/server/stdio");

/** A question to the user, who answers by one text. */
function question(message, answer) {
  const requestedSchema = { type: "object", properties: { [answer]: { type: "string" } }, required: [answer] };
  return inputRequired.elicit({ message, requestedSchema });
}

const said = (text) => ({ content: [{ type: "text", text }] });

function again({ times }, count, inputRequests) {
  if (count >= times) return said(`${count} rounds`);
  return inputRequired({ inputRequests, requestState: String(count + 1) });
}

const tools = {
  trip(_, { inputResponses: { place, sight, folder } = {} }, state) {
    if (place) state = place.content.place;
    if (!state) return inputRequired({ inputRequests: { place: question("Where to?", "place") } });
    if (sight && folder) return said(`${state}: ${sight.content.text}, see ${folder.roots[0].uri}`);
    const content = { type: "text", text: `What is to be seen in ${state}?` };
    const sample = inputRequired.createMessage({ messages: [{ role: "user", content }], maxTokens: 100 });
    return inputRequired({ inputRequests: { sight: sample, folder: inputRequired.listRoots() }, requestState: state });
  },
  async ask(args, { _meta, notify }, state) {
    const count = Number(state ?? 0);
    const progressToken = _meta?.progressToken;
    const params = { progressToken, progress: count + 1 };
    if (progressToken !== undefined) await notify({ method: "notifications/progress", params });
    return again(args, count, { again: question("Again?", "again") });
  },
  later: (args, _, state) => again(args, Number(state ?? 0)),
  insist: () => inputRequired({ inputRequests: { more: question("More?", "more") } }),
  meta: (_, { _meta }) => ({ ...said(JSON.stringify(_meta)), later: true, _meta: { "example.org/more": { a: 1 } } }),
};

serveStdio(() => {
  const server = new Server({ name: "rounds", version: "1.0.0" }, { capabilities: { tools: {} } });
  const list = Object.keys(tools).map((name) => ({ name, inputSchema: { type: "object" } }));
  server.setRequestHandler("tools/list", () => ({ tools: list }));
  server.setRequestHandler("tools/call", ({ params }, { mcpReq }) => {
    return tools[params.name](params.arguments, mcpReq, mcpReq.requestState());
  });
  return server;
});
