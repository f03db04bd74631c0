"""A line for each check of a peer, and an exit code for all of them."""

import asyncio
import sys

LIMIT = 10
failed = 0


async def check(peer, name, test):
    """Runs a test, which must end soon, and prints a line."""
    global failed
    try:
        await asyncio.wait_for(test, LIMIT)
        print(f"ok      {peer}: {name}", flush=True)
    except BaseException as error:  # noqa: B902 - a line for each check, whatever it raises
        failed += 1
        print(f"FAILED  {peer}: {name}: {error!r}", flush=True)


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


async def failure(future):
    """The error of a future."""
    try:
        result = await future
    except Exception as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


async def asked_back(call):
    """A `field_server` asks its client 50 times while 20 calls of the client's own are in flight: each of these gets its
    own answer. Returns what became of each question. Comes first on a connection: then the client's calls have low ids,
    as those of the server would have if it began at 1."""
    later = [asyncio.create_task(call("field_later", [n])) for n in range(20)]
    # The first turn of each sends it.
    await asyncio.sleep(0)
    outcome, *others = await call("field_askBack", [])
    equal(await asyncio.gather(*later), list(range(20)))
    equal(others, [outcome] * 49)
    return outcome


def main(run):
    """Runs all, and ends the process."""
    asyncio.run(asyncio.wait_for(run(sys.argv[1]), 60))
    sys.exit(failed > 0)
