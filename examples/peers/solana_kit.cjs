// npm's `@solana/kit`, which has come after `@solana/web3.js`: requests by `POST`, news by WebSocket.

const { address, createSolanaRpc, createSolanaRpcSubscriptions, lamports } = require("@solana/kit");
const { assert, check, failure, main } = require("./checks.cjs");

main(async () => {
  const [, , url] = process.argv;
  const rpc = createSolanaRpc(url.replace("ws:", "http:"));
  const subscriptions = createSolanaRpcSubscriptions(url);
  const account = address("SysvarC1ock11111111111111111111111111111111");
  const test = (name, run) => check("@solana/kit", name, run);
  const airdrop = () => rpc.requestAirdrop(account, lamports(10n)).send();
  /** The first `count` items; there are as many airdrops, once it listens. */
  const heard = async (request, count) => {
    const abort = new AbortController();
    const news = (await request.subscribe({ abortSignal: abort.signal }))[Symbol.asyncIterator]();
    // What comes before the first `next` is lost.
    const first = news.next();
    for (let n = 0; n < count; n += 1) await airdrop();
    const items = [(await first).value];
    while (items.length < count) items.push((await news.next()).value);
    abort.abort();
    return items;
  };

  await test("asks for the slot and a balance", async () => {
    const slot = await rpc.getSlot().send();
    const { value } = await rpc.getBalance(account).send();
    await airdrop();
    assert.strictEqual(await rpc.getSlot().send(), slot + 1n);
    assert.strictEqual((await rpc.getBalance(account).send()).value, value + 10n);
  });
  await test("errors keep their code", async () => {
    const { context } = await failure(rpc.getBlockTime(1_000_000n).send());
    assert.strictEqual(context.__code, -32004);
  });
  await test("hears of its account", async () => {
    const news = await heard(subscriptions.accountNotifications(account), 3);
    const [first, ...others] = news.map(({ value }) => value.lamports);
    assert.deepStrictEqual(others, [first + 10n, first + 20n]);
  });
  await test("hears of slots", async () => {
    const [first, ...others] = (await heard(subscriptions.slotNotifications(), 3)).map(({ slot }) => slot);
    assert.deepStrictEqual(others, [first + 1n, first + 2n]);
  });
});
