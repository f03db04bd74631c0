"""PyPI's `mcp`, revision 2026-07-28: a host whose calls are made again with what a tool of ours has asked for."""

import sys

from mcp import Client, MCPError, StdioServerParameters, types
from mcp.client.stdio import stdio_client

from checks import check, equal, failure, main

PEER = "PyPI mcp, revision 2026-07-28"


class Host:
    """Who answers, and how often its user was asked."""

    asked = 0
    refuses = False

    async def user(self, _context, params):
        self.asked += 1
        if self.refuses:
            return types.ErrorData(code=-1, message="the user is out", data={"why": 1})
        (answer,) = params.requested_schema["properties"]
        return types.ElicitResult(action="accept", content={answer: "Oslo"})

    async def model(self, _context, params):
        content = types.TextContent(type="text", text=f"so you ask: {params.messages[0].content.text}")
        return types.CreateMessageResult(model="m1", role="assistant", content=content)

    async def folders(self, _context):
        return types.ListRootsResult(roots=[types.Root(uri="file:///work")])


def text(result):
    return result.content[0].text


async def run(program):
    host = Host()
    program = StdioServerParameters(command=program, args=sys.argv[2:])
    client = Client(
        stdio_client(program),
        elicitation_callback=host.user,
        sampling_callback=host.model,
        list_roots_callback=host.folders,
    )
    async with client:
        await checks(client, host)


async def checks(client, host):
    async def lists():
        equal(client.protocol_version, "2026-07-28")
        equal([tool.name for tool in (await client.list_tools()).tools], ["trip", "ask", "later", "meta"])

    async def trips():
        expected = "Oslo: so you ask: What is to be seen in Oslo?, see file:///work"
        equal(text(await client.call_tool("trip", {})), expected)

    async def waits():
        equal(text(await client.call_tool("later", {"times": 2})), "2 rounds")

    async def ends():
        equal(text(await client.call_tool("ask", {"times": 10})), "10 rounds")
        host.asked = 0
        error = await failure(client.call_tool("ask", {"times": 11}))
        assert "more than 10 rounds" in str(error), error
        equal(host.asked, 10)

    async def refuses():
        host.refuses = True
        error = await failure(client.call_tool("trip", {}))
        assert isinstance(error, MCPError), error
        equal((error.error.code, error.error.data), (-1, {"why": 1}))

    async def progress():
        steps = []

        async def step(number, _total, _message):
            steps.append(number)

        host.refuses = False
        await client.call_tool("ask", {"times": 2}, progress_callback=step)
        equal(steps, [1, 2, 3])

    for name, test in [
        ("finds the revision by itself, and lists tools", lists),
        ("answers a tool in two rounds: by its user, its model and its folders", trips),
        ("calls again a tool that asks for nothing", waits),
        ("10 rounds are done, and an 11th is not", ends),
        ("what it refuses ends the call", refuses),
        ("hears progress of each round", progress),
    ]:
        await check(PEER, name, test())


main(run)
