// What the JSON-RPC clients need of the reference server, by hand over `ws`.

import { listen } from "./listen.mjs";

listen((socket) => {
  const waiting = new Map();
  let last = 0;
  const send = (message) => socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const methods = {
    add: (a, b) => a + b,
    push(n) {
      for (let item = 0; item < n; item++) send({ method: "tick", params: [item] });
      return n;
    },
    call_back(method, params) {
      send({ id: ++last, method, params });
      return new Promise((resolve) => waiting.set(last, resolve));
    },
  };
  socket.on("message", (data) => {
    const { id, method, params, result } = JSON.parse(data);
    if (!method) {
      waiting.get(id)(result);
      waiting.delete(id);
      return;
    }
    if (id === undefined) return;
    const returned = methods[method](...Object.values(params));
    if (method === "call_back") returned.then((result) => send({ id, result }));
    else send({ id, result: returned });
  });
});
