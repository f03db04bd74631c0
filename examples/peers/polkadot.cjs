// npm's `@polkadot/rpc-provider`, the `WsProvider` of `@polkadot/api`, as a client of a Substrate node.

const { WsProvider } = require("@polkadot/rpc-provider");
const { askedBack, assert, check, failure, main } = require("./checks.cjs");

main(async () => {
  const provider = new WsProvider(process.argv[2]);
  await provider.isReady;
  const test = (name, run) => check("@polkadot/rpc-provider", name, run);
  const mine = () => provider.send("engine_createBlock", [true, false]);

  await test("IGNORES what is asked of it, without harm", async () => {
    assert.strictEqual(await askedBack((method, params) => provider.send(method, params)), "ignored");
  });
  await test("asks for the methods and the chain", async () => {
    const { methods } = await provider.send("rpc_methods", []);
    assert.ok(methods.includes("chain_subscribeNewHeads"));
    assert.strictEqual(await provider.send("system_chain", []), "Development");
  });
  await test("errors keep code and data", async () => {
    const { code, message, data } = await failure(provider.send("chain_getBlockHash", [1000]));
    // It writes the code before the message, and the data after.
    assert.deepStrictEqual([code, message, data], [1010, '1010: no block 1000: {"number":1000}', { number: 1000 }]);
  });
  await test("hears new heads, until it unsubscribes", async () => {
    const heads = [];
    const hear = (error, head) => heads.push(error ?? head.number);
    const id = await provider.subscribe("chain_newHead", "chain_subscribeNewHeads", [], hear);
    const mined = [];
    for (let n = 0; n < 5; n += 1) mined.push((await mine()).number);
    assert.strictEqual(await provider.unsubscribe("chain_newHead", "chain_unsubscribeNewHeads", id), true);
    await mine();
    assert.deepStrictEqual(heads, mined);
  });
  await provider.disconnect();
});
