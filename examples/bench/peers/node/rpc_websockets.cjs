// npm's `rpc-websockets`, for the benchmark: calls and events. It has no streams, and no flow control for events.
//
// Settings: its defaults; the client does not reconnect.

const { Client: Library, Server } = require("rpc-websockets");
const { main } = require("./cases.cjs");

function serve(listening) {
  const server = new Server({ host: "127.0.0.1", port: 0 });
  server.register("add", ([a, b]) => a + b);
  server.event("item");
  server.register("publish", ([value]) => {
    server.emit("item", value);
    return server.wss.clients.size - 1; // all but the one who publishes listen
  });
  server.on("listening", () => listening(server.wss.address().port));
}

class Client {
  static connect(url) {
    const client = new Client();
    client.library = new Library(url, { reconnect: false });
    return new Promise((resolve, reject) => {
      client.library.on("open", () => resolve(client));
      client.library.on("error", reject);
    });
  }

  add(a, b) {
    return this.library.call("add", [a, b]);
  }

  async listen(taken) {
    this.library.on("item", (value) => taken.item(value));
    await this.library.subscribe("item");
  }

  publish(value) {
    return this.library.call("publish", [value]);
  }

  close() {
    return new Promise((resolve) => {
      this.library.on("close", resolve);
      this.library.close();
    });
  }
}

main(serve, Client);
