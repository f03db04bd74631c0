// npm's `rpc-websockets`: calls, notifies, hears.

const { Client } = require("rpc-websockets");
const { assert, check, failure, main } = require("./checks.cjs");

main(async () => {
  const client = new Client(process.argv[2], { reconnect: false });
  await new Promise((resolve, reject) => {
    client.on("open", resolve);
    client.on("error", reject);
  });
  const test = (name, run) => check("rpc-websockets", name, run);
  const heard = (event, count) =>
    new Promise((resolve) => {
      const params = [];
      client.on(event, (given) => params.push(given) === count && resolve(params));
    });

  await test("calls, by position and by name", async () => {
    assert.strictEqual(await client.call("add", [1, 2]), 3);
    assert.strictEqual(await client.call("greet", { name: "Ada" }), "hello, Ada");
  });
  await test("errors keep code and data", async () => {
    const error = { code: 7, message: "no", data: [1] };
    assert.deepStrictEqual(await failure(client.call("fail", [7, "no", [1]])), error);
  });
  await test("notifies", async () => {
    await client.notify("note", ["a"]);
    assert.deepStrictEqual(await client.call("notes"), ["a"]);
  });
  await test("hears notifications as events", async () => {
    const ticks = heard("tick", 3);
    assert.strictEqual(await client.call("push", [3]), 3);
    assert.deepStrictEqual(await ticks, [[0], [1], [2]]);
  });
  await test("hears the items of a subscription as events", async () => {
    const items = heard("ticks", 3);
    const subscription = await client.call("ticks", [3, 1]);
    const expected = [0, 1, 2].map((result) => ({ subscription, result }));
    assert.deepStrictEqual(await items, expected);
  });
  await test("CANNOT its own `subscribe`: its methods are named as those reserved, -32601", async () => {
    assert.strictEqual((await failure(client.subscribe("ticks"))).code, -32601);
  });
  await test("CANNOT be called, and our call is not taken for the answer to its own", async () => {
    let settled = false;
    const settle = () => (settled = true);
    client.call("call_back", ["anything"]).then(settle, settle);
    // Its answer comes after our call.
    assert.strictEqual(await client.call("add", [1, 2]), 3);
    assert.ok(!settled);
  });
  client.close();
});
