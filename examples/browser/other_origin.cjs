// A page of another origin, with nothing in it; the first line says where.

const server = require("node:http").createServer((_, response) => {
  response.setHeader("Content-Type", "text/html").end("<!doctype html><title>another</title>");
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
