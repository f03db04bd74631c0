"""PyPI's `mcp`: a host that starts an MCP server of ours, calls its tools over pipes, and is asked by them."""

import sys

from mcp import ClientSession, MCPError, StdioServerParameters, types
from mcp.client.stdio import stdio_client

from checks import check, equal, failure, main

PEER = "PyPI mcp over pipes"


async def model(_context, params):
    text = params.messages[0].content.text
    if text.endswith("nothing"):
        return types.ErrorData(code=-1, message="user says no", data={"why": 1})
    answer = types.TextContent(type="text", text="in short")
    return types.CreateMessageResult(model="m1", role="assistant", content=answer)


async def folders(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///work")])


def text(result):
    return result.content[0].text


async def run(program):
    program = StdioServerParameters(command=program, args=sys.argv[2:])
    async with stdio_client(program) as (read, write):
        async with ClientSession(read, write, sampling_callback=model, list_roots_callback=folders) as session:
            await checks(session)


async def checks(session):
    async def initializes():
        answer = await session.initialize()
        equal((answer.server_info.name, answer.protocol_version), ("toolbox", "2025-11-25"))
        await session.send_ping()

    async def lists():
        tools = [tool.name for tool in (await session.list_tools()).tools]
        assert tools == ["summarize", "folders", "count", "wait", "waiting"], tools

    async def asks():
        answer = await session.call_tool("summarize", {"text": "a long story"})
        assert text(answer) == "m1 says: in short", answer

    async def errors_pass():
        error = await failure(session.call_tool("summarize", {"text": "nothing"}))
        assert isinstance(error, MCPError), error
        equal((error.error.code, error.error.data), (-1, {"why": 1}))

    async def roots():
        assert text(await session.call_tool("folders", {})) == "file:///work"

    async def progress():
        steps = []

        async def step(number, total, _message):
            steps.append((number, total))

        answer = await session.call_tool("count", {"to": 3}, progress_callback=step)
        assert text(answer) == "counted to 3", answer
        assert steps == [(1, 3), (2, 3), (3, 3)], steps

    for name, test in [
        ("initializes", initializes),
        ("lists tools", lists),
        ("a tool asks its model (sampling/createMessage)", asks),
        ("its errors reach the tool", errors_pass),
        ("a tool asks for its folders (roots/list)", roots),
        ("hears progress", progress),
    ]:
        await check(PEER, name, test())


main(run)
