// npm's `ethers`, its `WebSocketProvider`, as a wallet of an Ethereum node.

const { ethers } = require("ethers");
const { askedBack, assert, check, failure, main } = require("./checks.cjs");

/** What the node logs each block for. */
const CONTRACT = "0x000000000000000000000000000000000000c0de";

main(async () => {
  const provider = new ethers.WebSocketProvider(process.argv[2]);
  const test = (name, run) => check("ethers", name, run);
  const mine = () => provider.send("evm_mine", []);
  /** The first `count` events: blocks are mined until they are there. */
  const heard = async (event, count) => {
    const events = [];
    await provider.on(event, (given) => events.push(given));
    while (events.length < count) await mine();
    await provider.off(event);
    return events.slice(0, count);
  };

  await test("IGNORES what is asked of it, without harm", async () => {
    assert.strictEqual(await askedBack((method, params) => provider.send(method, params)), "ignored");
  });
  await test("asks for the network, the block number and a block", async () => {
    assert.strictEqual((await provider.getNetwork()).chainId, 1337n);
    assert.ok((await provider.getBlockNumber()) >= 0);
    const block = await provider.getBlock(0);
    assert.deepStrictEqual([block.number, block.gasLimit, block.baseFeePerGas], [0, 30_000_000n, 7n]);
    assert.strictEqual(await provider.getBlock(1000), null);
  });
  await test("a call that is refused keeps its code, data and reason", async () => {
    const error = await failure(provider.call({ to: CONTRACT, data: "0x01" }));
    assert.deepStrictEqual([error.code, error.reason], ["CALL_EXCEPTION", "out of stock"]);
    const { code, data } = error.info.error;
    assert.deepStrictEqual([code, data.slice(0, 10)], [3, "0x08c379a0"]);
  });
  await test("errors keep their code", async () => {
    const error = await failure(provider.send("eth_nonsense", []));
    assert.strictEqual(error.error.code, -32601);
  });
  await test("hears newHeads", async () => {
    const [first, ...heads] = await heard("block", 5);
    assert.deepStrictEqual(heads, [1, 2, 3, 4].map((n) => first + n));
  });
  await test("hears logs", async () => {
    const contract = new ethers.Contract(CONTRACT, ["event Mined(uint256 indexed number)"], provider);
    const filter = { address: CONTRACT, topics: [ethers.id("Mined(uint256)")] };
    const logs = await heard(filter, 3);
    const [first, ...numbers] = logs.map((log) => contract.interface.parseLog(log).args.number);
    assert.deepStrictEqual(numbers, [first + 1n, first + 2n]);
    const past = await provider.getLogs({ ...filter, fromBlock: 0 });
    assert.ok(past.some((log) => log.transactionHash === logs[0].transactionHash));
    const none = { ...filter, address: ethers.ZeroAddress };
    assert.deepStrictEqual(await provider.getLogs(none), []);
  });
  await test("hears pending transactions", async () => {
    const [hash] = await heard("pending", 1);
    assert.match(hash, /^0x[0-9a-f]{64}$/);
  });
  await test("unsubscribes", async () => {
    const id = await provider.send("eth_subscribe", ["newHeads"]);
    assert.strictEqual(await provider.send("eth_unsubscribe", [id]), true);
    assert.strictEqual(await provider.send("eth_unsubscribe", [id]), false);
  });
  await test("many calls at once", async () => {
    const calls = Array.from({ length: 300 }, () => provider.send("eth_chainId", []));
    assert.deepStrictEqual(new Set(await Promise.all(calls)), new Set(["0x539"]));
  });
  await provider.destroy();
});
