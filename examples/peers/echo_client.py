"""PyPI's `echorpc`, its `EchoClient`: calls, hears, is called, and asks now and then whether we are there."""

import asyncio

from echorpc import EchoClient

from checks import asked_back, check, equal, failure, main


async def calls(client):
    equal(await client.request("divide", [6, 3]), 2)
    equal(await client.request("divide", {"divisor": 3, "dividend": 6}), 2)


async def errors(client):
    error = await failure(client.request("divide", [6, 0]))
    equal((error.code, error.message, error.data), (42, "6 / 0 is nothing", {"dividend": 6}))
    equal((await failure(client.request("nonsense"))).code, -32601)


async def hears(client):
    heard = asyncio.Queue()
    client.subscribe("weather", heard.put_nowait)
    equal(await client.request("subscribe", ["weather"]), True)
    for news in ("rain", "sun", "snow"):
        equal(await client.request("publish", ["weather", news]), 1)
    equal([heard.get_nowait() for _ in range(3)], [["rain"], ["sun"], ["snow"]])


async def batched(client):
    equal(await client.batch_request([("divide", [6, 3]), ("divide", [8, 2])]), [2, 4])


async def many(client):
    calls = [client.request("divide", [n, 1]) for n in range(300)]
    equal(await asyncio.gather(*calls), list(range(300)))


async def asked(client):
    client.register("caller_confirm", lambda params: params == ["all well?"])
    equal(await asked_back(client.request), {"answered": True})


async def alive(client):
    """Without a `pong` it closes the connection."""
    router = client.core.router
    pongs = asyncio.Queue()
    heard = router.on_pong
    router.on_pong = lambda: (heard(), pongs.put_nowait(None))
    for _ in range(3):
        await pongs.get()


async def run(url):
    client = EchoClient(url, ping_interval=0.2, pong_timeout=5)
    await client.connect()

    async def test(name, run):
        await check("echorpc", name, run(client))

    await test("is asked while its calls are in flight", asked)
    await test("calls, by position and by name", calls)
    await test("errors keep code and data", errors)
    await test("hears notifications", hears)
    await test("batch", batched)
    await test("many calls at once", many)
    await test("asks whether we are there, and hears that", alive)
    await client.disconnect()


main(run)
