// npm's `dedot`, its `JsonRpcClient`, as a client of a Substrate node.

const { JsonRpcClient, WsProvider } = require("dedot");
const { askedBack, assert, check, failure, main } = require("./checks.cjs");

main(async () => {
  const provider = new WsProvider(process.argv[2]);
  const client = await JsonRpcClient.new(provider);
  const test = (name, run) => check("dedot", name, run);
  const mine = () => provider.send("engine_createBlock", [true, false]);

  await test("IGNORES what is asked of it, without harm", async () => {
    assert.strictEqual(await askedBack((method, params) => provider.send(method, params)), "ignored");
  });
  await test("asks for the methods, the chain and a header", async () => {
    const { methods } = await client.rpc.rpc_methods();
    assert.ok(methods.includes("chain_subscribeNewHeads"));
    assert.strictEqual(await client.rpc.system_chain(), "Development");
    assert.strictEqual((await client.rpc.system_health()).isSyncing, false);
    const genesis = await client.rpc.chain_getBlockHash(0);
    assert.strictEqual((await client.rpc.chain_getHeader(genesis)).number, 0);
  });
  await test("errors keep code and data", async () => {
    const { code, message, data } = await failure(provider.send("chain_getBlockHash", [1000]));
    // It writes the code before the message.
    assert.deepStrictEqual([code, message, data], [1010, "1010: no block 1000", { number: 1000 }]);
    assert.strictEqual((await failure(provider.send("chain_nonsense", []))).code, -32601);
  });
  await test("hears new heads, until it unsubscribes", async () => {
    const heads = [];
    let done;
    const five = new Promise((resolve) => (done = resolve));
    const end = await client.rpc.chain_subscribeNewHeads((head) => heads.push(head.number) === 5 && done());
    for (let n = 0; n < 5; n += 1) await mine();
    await five;
    await end();
    await mine();
    assert.deepStrictEqual(heads, [1, 2, 3, 4, 5]);
  });
  await test("many calls at once", async () => {
    const calls = Array.from({ length: 300 }, () => client.rpc.system_chain());
    assert.deepStrictEqual(new Set(await Promise.all(calls)), new Set(["Development"]));
  });
  await client.disconnect();
});
