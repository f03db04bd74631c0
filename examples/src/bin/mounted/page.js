// All that it takes to speak JSON-RPC both ways over the WebSocket of a browser.
class Peer {
  methods = {};
  streams = {};
  #waiting = new Map();
  #lastId = 0;

  constructor(url) {
    this.socket = new WebSocket(url);
    this.socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  call(method, ...params) {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#send({ id, method, params });
    return answer;
  }

  async subscribe(method, hear) {
    // Before its answer, so that no item comes too early.
    this.streams[method] = hear;
    return this.call(method);
  }

  #send(message) {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  #receive(message) {
    if (!("method" in message)) {
      const { resolve, reject } = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      "error" in message ? reject(message.error) : resolve(message.result);
    } else if ("id" in message) {
      this.#serve(message);
    } else if ("result" in (message.params ?? {})) {
      this.streams[message.method]?.(message.params.result);
    }
  }

  async #serve({ id, method, params = [] }) {
    const serve = this.methods[method];
    if (!serve) return this.#send({ id, error: { code: -32601, message: "no such method" } });
    try {
      this.#send({ id, result: (await serve(...params)) ?? null });
    } catch (error) {
      this.#send({ id, error: { code: 1, message: String(error) } });
    }
  }
}

const at = (id) => document.getElementById(id);
let peer;

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  peer = new Peer(`${scheme}//${location.host}/rpc`);
  peer.methods["page.confirm"] = (question) => confirm(question);
  peer.socket.onopen = async () => {
    at("notes").replaceChildren();
    await peer.subscribe("board.notes", ({ author, text }) => {
      const note = document.createElement("li");
      note.textContent = `${author}: ${text}`;
      at("notes").append(note);
    });
    at("state").textContent = "connected";
  };
  // A handshake that is refused looks like a lost connection to a page: 1006.
  peer.socket.onclose = ({ code, reason }) => {
    at("state").textContent = `closed: ${code} ${reason}`.trim();
  };
}

const post = (path, body) =>
  fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

at("login").onsubmit = async (event) => {
  event.preventDefault();
  await post("/login", { name: at("name").value });
  connect();
};
at("logout").onclick = () => post("/logout", null);
at("pin").onsubmit = async (event) => {
  event.preventDefault();
  try {
    at("told").textContent = `${await peer.call("board.pin", at("text").value)} on the board`;
  } catch (error) {
    at("told").textContent = error.message;
  }
};
