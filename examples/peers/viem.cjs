// npm's `viem`, its `webSocket` transport, as a wallet of an Ethereum node.

const { createPublicClient, parseAbiItem, webSocket } = require("viem");
const { askedBack, assert, check, failure, main } = require("./checks.cjs");

/** What the node logs each block for. */
const CONTRACT = "0x000000000000000000000000000000000000c0de";

main(async () => {
  const client = createPublicClient({ transport: webSocket(process.argv[2]) });
  const test = (name, run) => check("viem", name, run);
  const request = (method, params = []) => client.request({ method, params });
  /** The first `count` events that `watch` hears: blocks are mined until they are there. */
  const heard = async (watch, count) => {
    const events = [];
    const end = watch((event) => events.push(event), (error) => events.push(error));
    while (events.length < count) await request("evm_mine");
    end();
    return events.slice(0, count);
  };

  await test("IGNORES what is asked of it, without harm", async () => {
    assert.strictEqual(await askedBack(request), "ignored");
  });
  await test("asks for the network, the block number and a block", async () => {
    assert.strictEqual(await client.getChainId(), 1337);
    assert.strictEqual(typeof (await client.getBlockNumber()), "bigint");
    const block = await client.getBlock({ blockNumber: 0n });
    assert.deepStrictEqual([block.number, block.gasLimit, block.baseFeePerGas], [0n, 30_000_000n, 7n]);
  });
  await test("a call that is refused keeps its code, data and reason", async () => {
    const error = await failure(client.call({ to: CONTRACT, data: "0x01" }));
    const cause = error.walk((cause) => cause.code === 3);
    assert.strictEqual(cause.data.slice(0, 10), "0x08c379a0");
    assert.match(error.message, /out of stock/);
  });
  await test("errors keep their code", async () => {
    const error = await failure(request("eth_nonsense"));
    assert.strictEqual(error.code, -32601);
  });
  await test("hears newHeads", async () => {
    const [first, ...heads] = await heard(
      (hear, onError) => client.watchBlockNumber({ onBlockNumber: (number) => hear(number), onError }),
      5,
    );
    assert.deepStrictEqual(heads, [1n, 2n, 3n, 4n].map((n) => first + n));
  });
  await test("hears logs", async () => {
    const event = parseAbiItem("event Mined(uint256 indexed number)");
    const logs = await heard(
      (hear, onError) =>
        client.watchEvent({ address: CONTRACT, event, onLogs: (logs) => logs.forEach(hear), onError }),
      3,
    );
    const [first, ...numbers] = logs.map((log) => log.args.number);
    assert.deepStrictEqual(numbers, [first + 1n, first + 2n]);
  });
  await test("hears pending transactions", async () => {
    const [hash] = await heard(
      (hear, onError) =>
        client.watchPendingTransactions({ onTransactions: (hashes) => hashes.forEach(hear), onError }),
      1,
    );
    assert.match(hash, /^0x[0-9a-f]{64}$/);
  });
  await test("unsubscribes, and hears no more", async () => {
    const heads = [];
    const { unsubscribe } = await client.transport.subscribe({
      params: ["newHeads"],
      onData: (head) => heads.push(head),
      onError: assert.fail,
    });
    await request("evm_mine");
    const ended = await unsubscribe();
    const before = heads.length;
    await request("evm_mine");
    await request("eth_chainId");
    assert.deepStrictEqual([ended.result, before, heads.length], [true, 1, 1]);
  });
  await test("many calls at once", async () => {
    // It answers equal calls that are in flight at the same time from one of them.
    const calls = Array.from({ length: 300 }, (_, n) => request("eth_getBlockByNumber", [`0x${n + 999}`, false]));
    assert.deepStrictEqual(new Set(await Promise.all(calls)), new Set([null]));
  });
  (await client.transport.getRpcClient()).close();
});
