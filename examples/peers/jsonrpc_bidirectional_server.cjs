// npm's `jsonrpc-bidirectional` as the server, for our client. Says where it listens, on the port that it is given if
// any, and serves until it is killed.

const JSONRPC = require("jsonrpc-bidirectional");
const WebSocket = require("ws");

class Offered extends JSONRPC.EndpointBase {
  constructor() {
    super("Offered", "/api", {}, JSONRPC.Client);
    this.heard = [];
  }
  async add(_, a, b) {
    return a + b;
  }
  async note(_, text) {
    this.heard.push(text);
  }
  async notes() {
    return this.heard;
  }
  async refuse() {
    throw new JSONRPC.Exception("no", 9, { why: 1 });
  }
  async sleep(_, ms) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  }
  async call_back(request, method, params) {
    return request.reverseCallsClient.rpc(method, params);
  }
  async bounce(request, depth) {
    return depth === 0 ? 0 : 1 + (await request.reverseCallsClient.rpc("bounce", [depth - 1]));
  }
}

const server = new JSONRPC.Server();
server.registerEndpoint(new Offered());
server.addPlugin(new JSONRPC.Plugins.Server.AuthenticationSkip());
server.addPlugin(new JSONRPC.Plugins.Server.AuthorizeAll());
const router = new JSONRPC.BidirectionalWebsocketRouter(server);

const listener = new WebSocket.Server({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0) });
listener.on("listening", () => {
  console.log(`listening on ws://127.0.0.1:${listener.address().port}/api`);
});
listener.on("connection", (socket, request) => router.addWebSocketSync(socket, request));
