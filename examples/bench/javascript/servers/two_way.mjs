// The TypeScript peer of this project, as the end that accepts links.

import { overLink, overSocket } from "two-way-json-rpc";
import { listen } from "./listen.mjs";

listen(async (socket) => {
  const peer = overLink(await overSocket(socket), {
    handlers: {
      add: (a, b) => a + b,
      push(n) {
        for (let item = 0; item < n; item++) peer.notify("tick", [item]);
        return n;
      },
      call_back: (method, params) => peer.call(method, params),
    },
  });
});
