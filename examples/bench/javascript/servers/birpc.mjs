// `birpc` as the other end of itself, as its README has it.

import { createBirpc } from "birpc";
import { listen } from "./listen.mjs";

listen((socket) => {
  const functions = {
    add: (a, b) => a + b,
    push(n) {
      for (let item = 0; item < n; item++) rpc.tick.asEvent(item);
      return n;
    },
    askBack: (n) => rpc.ask(n),
  };
  const rpc = createBirpc(functions, {
    post: (data) => socket.send(data),
    on: (heard) => socket.on("message", heard),
    serialize: (value) => JSON.stringify(value),
    deserialize: (text) => JSON.parse(text),
  });
});
