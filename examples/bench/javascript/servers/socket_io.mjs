// `socket.io` as the other end of `socket.io-client`.

import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http);

io.on("connection", (socket) => {
  socket.on("add", (a, b, answer) => answer(a + b));
  socket.on("push", (n, answer) => {
    for (let item = 0; item < n; item++) socket.emit("tick", item);
    answer(n);
  });
  socket.on("askBack", async (n, answer) => answer(await socket.emitWithAck("ask", n)));
});

http.listen(0, "127.0.0.1", () => console.log(`listening on ws://127.0.0.1:${http.address().port}`));
