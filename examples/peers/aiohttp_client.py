"""PyPI's `aiohttp-json-rpc`, its client: calls, hears topics, is called."""

import asyncio
import logging

from aiohttp_json_rpc import JsonRpcClient
from aiohttp_json_rpc.exceptions import RpcInvalidRequestError, RpcMethodNotFoundError

from checks import asked_back, check, equal, failure, main


async def calls(client):
    equal(await client.call("divide", [6, 3]), 2)
    equal(await client.call("divide", {"divisor": 3, "dividend": 6}), 2)


async def errors(client):
    error = await failure(client.call("nonsense", []))
    assert isinstance(error, RpcMethodNotFoundError), repr(error)
    equal(error.error_code, -32601)


async def drops_errors(client):
    # It logs what it does not understand.
    logging.disable(logging.ERROR)
    error = await failure(client.call("divide", [6, 0], timeout=1))
    logging.disable(logging.NOTSET)
    assert isinstance(error, asyncio.TimeoutError), repr(error)


async def hears(client):
    heard = asyncio.Queue()

    async def handle(message):
        heard.put_nowait(message["params"])

    # Its handler is kept, though the call that it makes is refused: its params are a string.
    error = await failure(client.subscribe("weather", handle, timeout=5))
    assert isinstance(error, RpcInvalidRequestError), repr(error)
    equal(await client.call("subscribe", ["weather"]), True)
    for news in ("rain", "sun", "snow"):
        equal(await client.call("publish", ["weather", news]), 1)
    equal([heard.get_nowait() for _ in range(3)], [["rain"], ["sun"], ["snow"]])


async def many(client):
    calls = [client.call("divide", [n, 1], timeout=5) for n in range(300)]
    equal(await asyncio.gather(*calls), list(range(300)))


async def asked(client):
    async def caller_confirm(params):
        equal(params, ["all well?"])
        return True

    client.add_methods(("", caller_confirm))
    outcome = await asked_back(lambda method, params: client.call(method, params, timeout=5))
    equal(outcome, {"answered": True})


async def run(url):
    client = JsonRpcClient()
    await client.connect_url(url)

    async def test(name, run):
        await check("aiohttp-json-rpc", name, run(client))

    await test("is asked while its calls are in flight", asked)
    await test("calls, by position and by name", calls)
    await test("errors keep their code", errors)
    await test("CANNOT hear errors of applications: it drops codes that it does not know", drops_errors)
    await test("hears topics, but CANNOT subscribe by itself: its params are a string, -32600", hears)
    await test("many calls at once", many)
    await client.disconnect()


main(run)
