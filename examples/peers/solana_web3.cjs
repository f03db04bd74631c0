// npm's `@solana/web3.js`, its `Connection`, as a wallet of a Solana node: requests by `POST`, news by WebSocket.

const { Connection, Keypair } = require("@solana/web3.js");
const { askedBack, assert, check, failure, main } = require("./checks.cjs");

main(async () => {
  const [, , url] = process.argv;
  const connection = new Connection(url.replace("ws:", "http:"), { wsEndpoint: url, commitment: "confirmed" });
  const { publicKey } = Keypair.generate();
  const test = (name, run) => check("@solana/web3.js", name, run);
  const airdrop = () => connection.requestAirdrop(publicKey, 10);
  /** The first `count` events after `on`, which names what it hears: there are airdrops until they are there. */
  const heard = async (on, off, count) => {
    const events = [];
    const id = on((...given) => events.push(given));
    while (events.length < count) await airdrop();
    await off(id);
    const before = events.length;
    await airdrop();
    assert.strictEqual(events.length, before, "after the end of the subscription");
    return events.slice(0, count);
  };

  await test("IGNORES what is asked of it, without harm", async () => {
    // It is connected while it has a subscription.
    let slot;
    const id = connection.onSlotChange((given) => (slot = given));
    while (slot === undefined) await airdrop();
    const socket = connection._rpcWebSocket;
    assert.strictEqual(await askedBack((method, params) => socket.call(method, params)), "ignored");
    await connection.removeSlotChangeListener(id);
  });
  await test("asks for the slot and a balance", async () => {
    const [slot, balance] = [await connection.getSlot(), await connection.getBalance(publicKey)];
    await airdrop();
    assert.strictEqual(await connection.getSlot(), slot + 1);
    assert.strictEqual(await connection.getBalance(publicKey), balance + 10);
  });
  await test("errors keep their code", async () => {
    const error = await failure(connection.getBlockTime(1_000_000));
    assert.strictEqual(error.code, -32004);
    assert.match(error.message, /Block not available for slot 1000000/);
  });
  await test("hears of its account", async () => {
    const [[first], ...others] = await heard(
      (hear) => connection.onAccountChange(publicKey, hear),
      (id) => connection.removeAccountChangeListener(id),
      5,
    );
    const balances = others.map(([account]) => account.lamports);
    assert.deepStrictEqual(balances, [10, 20, 30, 40].map((more) => first.lamports + more));
  });
  await test("hears of slots", async () => {
    const [[first], ...others] = await heard(
      (hear) => connection.onSlotChange(hear),
      (id) => connection.removeSlotChangeListener(id),
      3,
    );
    assert.deepStrictEqual(others.map(([{ slot }]) => slot), [first.slot + 1, first.slot + 2]);
  });
  await test("hears logs", async () => {
    const [[{ logs, err }, { slot }]] = await heard(
      (hear) => connection.onLogs(publicKey, hear),
      (id) => connection.removeOnLogsListener(id),
      1,
    );
    assert.deepStrictEqual([logs[1], err, typeof slot], ["10 lamports", null, "number"]);
  });
});
