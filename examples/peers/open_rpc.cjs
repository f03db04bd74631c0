// npm's `@open-rpc/client-js`: calls, notifies, hears.

const { askedBack, assert, check, failure, load, main } = require("./checks.cjs");

main(async () => {
  const { Client, RequestManager, WebSocketTransport } = await load("@open-rpc/client-js");
  const client = new Client(new RequestManager([new WebSocketTransport(process.argv[2])]));
  const test = (name, run) => check("@open-rpc/client-js", name, run);
  const call = (method, params) => client.request({ method, params });

  await test("IGNORES what is asked of it, without harm", async () => {
    assert.strictEqual(await askedBack(call), "ignored");
  });
  await test("calls, by position and by name", async () => {
    assert.strictEqual(await call("divide", [6, 3]), 2);
    assert.strictEqual(await call("divide", { divisor: 3, dividend: 6 }), 2);
  });
  await test("errors keep code and data", async () => {
    const { code, message, data } = await failure(call("divide", [6, 0]));
    assert.deepStrictEqual([code, message, data], [42, "6 / 0 is nothing", { dividend: 6 }]);
    assert.strictEqual((await failure(call("nonsense", []))).code, -32601);
  });
  await test("notifies", async () => {
    await client.notify({ method: "ping", params: [] });
    assert.strictEqual(await call("divide", [6, 3]), 2);
  });
  await test("hears notifications", async () => {
    const heard = [];
    client.onNotification((news) => news.method === "weather" && heard.push(...news.params));
    await call("subscribe", ["weather"]);
    for (const news of ["rain", "sun", "snow"]) assert.strictEqual(await call("publish", ["weather", news]), 1);
    assert.deepStrictEqual(heard, ["rain", "sun", "snow"]);
  });
  await test("many calls at once", async () => {
    const calls = Array.from({ length: 300 }, (_, n) => call("divide", [n, 1]));
    assert.deepStrictEqual(await Promise.all(calls), calls.map((_, n) => n));
  });
  await test("batches are single messages: none is an array", async () => {
    client.startBatch();
    const calls = [call("divide", [6, 3]), call("divide", [8, 2])];
    client.stopBatch();
    assert.deepStrictEqual(await Promise.all(calls), [2, 4]);
  });
  client.close();
});
