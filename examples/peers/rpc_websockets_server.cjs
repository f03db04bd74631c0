// npm's `rpc-websockets` as the server, for our client. Says where it listens, on the port that it is given if any, and
// serves until it is killed.

const { Server } = require("rpc-websockets");

const server = new Server({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0) });
server.register("add", ([a, b]) => a + b);
server.register("sleep", async ([ms]) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
});
server.event("tick");
server.register("push", ([count]) => {
  for (let n = 0; n < count; n += 1) server.emit("tick", n);
  return count;
});
server.on("listening", () => {
  console.log(`listening on ws://127.0.0.1:${server.wss.address().port}/`);
});
