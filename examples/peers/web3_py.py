"""PyPI's `web3`, its `WebSocketProvider`, as a client of an Ethereum node."""

import asyncio

from web3 import AsyncWeb3, WebSocketProvider
from web3.exceptions import BadResponseFormat, ContractLogicError, MethodUnavailable
from web3.utils.subscriptions import (
    LogsSubscription,
    NewHeadsSubscription,
    PendingTxSubscription,
)

from checks import asked_back, check, equal, failure, main

CONTRACT = AsyncWeb3.to_checksum_address("0x000000000000000000000000000000000000c0de")
MINED = AsyncWeb3.keccak(text="Mined(uint256)")


async def call(w3, method, params=()):
    answer = await w3.provider.make_request(method, list(params))
    return answer["result"]


async def asks(w3):
    equal(await w3.eth.chain_id, 1337)
    assert await w3.eth.block_number >= 0
    block = await w3.eth.get_block(0)
    equal((block["number"], block["gasLimit"], block["baseFeePerGas"]), (0, 30_000_000, 7))


async def refused(w3):
    error = await failure(w3.eth.call({"to": CONTRACT, "data": "0x01"}))
    assert isinstance(error, ContractLogicError), repr(error)
    equal(error.message, "execution reverted: out of stock")
    assert error.data.startswith("0x08c379a0")
    error = await failure(w3.eth.gas_price)
    assert isinstance(error, MethodUnavailable), repr(error)
    equal(error.rpc_response["error"]["code"], -32601)


async def heard(w3, subscription, count):
    """The first `count` items: blocks are mined until they are there."""
    items = asyncio.Queue()

    async def handle(context):
        items.put_nowait(context.result)

    await w3.subscription_manager.subscribe(subscription(handle))
    handling = asyncio.create_task(w3.subscription_manager.handle_subscriptions(run_forever=True))
    while items.qsize() < count:
        await call(w3, "evm_mine")
    assert await w3.subscription_manager.unsubscribe_all()
    handling.cancel()
    return [items.get_nowait() for _ in range(count)]


async def hears_heads(w3):
    heads = await heard(w3, lambda handle: NewHeadsSubscription(handler=handle), 5)
    first = heads[0]["number"]
    equal([head["number"] for head in heads], list(range(first, first + 5)))


async def hears_logs(w3):
    def subscription(handle):
        return LogsSubscription(address=CONTRACT, topics=[MINED], handler=handle)

    logs = await heard(w3, subscription, 3)
    first = logs[0]["blockNumber"]
    equal([int(log["topics"][1].hex(), 16) for log in logs], [first, first + 1, first + 2])
    past = await w3.eth.get_logs({"address": CONTRACT, "topics": [MINED], "fromBlock": 0})
    assert logs[0]["transactionHash"] in [log["transactionHash"] for log in past]


async def hears_pending(w3):
    [hash] = await heard(w3, lambda handle: PendingTxSubscription(handler=handle), 1)
    equal(len(hash), 32)


async def many(w3):
    equal(set(await asyncio.gather(*(w3.eth.chain_id for _ in range(100)))), {1337})


async def batched(w3):
    async with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block(0))
        batch.add(w3.eth.get_block(0))
        first, second = await batch.async_execute()
    equal((first["number"], second["number"]), (0, 0))


async def asked(w3):
    equal(await asked_back(lambda method, params: call(w3, method, params)), "ignored")


async def told(url):
    try:
        async with AsyncWeb3(WebSocketProvider(url)) as w3:
            await call(w3, "field_tell")
            await call(w3, "eth_chainId")
    except BadResponseFormat:
        return
    raise AssertionError("it can now")


async def run(url):
    async with AsyncWeb3(WebSocketProvider(url)) as w3:

        async def test(name, run):
            await check("web3.py", name, run(w3))

        await test("IGNORES what is asked of it, without harm", asked)
        await test("asks for the network, the block number and a block", asks)
        await test("a call that is refused keeps its code, data and reason", refused)
        await test("hears newHeads", hears_heads)
        await test("hears logs", hears_logs)
        await test("hears pending transactions", hears_pending)
        await test("many calls at once", many)
        await test("batch", batched)
    name = "CANNOT be told: a notification that is no item ends its listener, and all its calls with that"
    await check("web3.py", name, told(url))


main(run)
