// The program `fleet` with its page, and a proxy before it that cuts.

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const net = require("node:net");
const { createInterface } = require("node:readline");

// Without this the programs would outlive a test that is ended.
process.on("SIGTERM", () => process.exit(1));

class Fleet {
  /** Starts the program; on another port than any before, unless told which. */
  static async start({ port = 0, agents = 12, every } = {}) {
    const fleet = new Fleet();
    const given = [
      "--web",
      `127.0.0.1:${port}`,
      "--agents",
      String(agents),
      ...(every ? ["--every", String(every)] : []),
    ];
    fleet.child = spawn(process.env.FLEET, given, { stdio: ["ignore", "pipe", "inherit"] });
    process.on("exit", () => fleet.child.kill("SIGKILL"));
    // All lines are read, or the process would stand still with a full pipe.
    const [line] = await once(createInterface(fleet.child.stdout), "line");
    fleet.url = line.replace("listening on ", "");
    fleet.port = Number(new URL(fleet.url).port);
    return fleet;
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

/** Carries bytes both ways, until it cuts what it carries. */
class Proxy {
  #sockets = new Set();

  static async start(port) {
    const proxy = new Proxy();
    proxy.server = net.createServer((near) => {
      const far = net.connect(port, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ]) {
        proxy.#sockets.add(from);
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          to.destroy();
          proxy.#sockets.delete(from);
        });
      }
    });
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  cut() {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  stop() {
    this.cut();
    this.server.close();
  }
}

module.exports = { Fleet, Proxy };
