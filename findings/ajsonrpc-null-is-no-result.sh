#!/usr/bin/env bash
# ajsonrpc 1.2.0 (PyPI; asynchronous JSON-RPC 2.0 for Python, which a program puts behind a WebSocket or HTTP server of its choice),
# its AsyncJSONRPCResponseManager. Python 3.11 or later.
#
# One would guess: a method that returns nothing (None) is answered by `"result":null`, as JSON-RPC has it; an error
# that a method raises becomes an error response; and in a batch each call is answered for itself.
#
# What is: after a method that returned None there is no response: the library raises ValueError at its caller, once the method has run;
# so the call has had its effect and is not answered, not even by -32603. 0, false and "" are answered as they are. In a batch, one such
# call takes the answers of all the others with it, though they ran too. It is the same for a notification, which needs
# no answer at all. And `"params":null` is no call (-32600) whose id is not given back: "id":null.
#
# For a server: return something from each method (true, {}). For a client: a call without an answer may have run, and a
# batch may fail for the sake of one call in it: do not send it again as it was.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check ajsonrpc==1.2.0 || { echo "could not install ajsonrpc"; exit 2; }
cat > try.py <<'PY'
import asyncio, sys
from ajsonrpc.dispatcher import Dispatcher
from ajsonrpc.manager import AsyncJSONRPCResponseManager

ran = []
def give(what):
    ran.append(what)
    return what
def fail():
    raise RuntimeError("failed")
dispatcher = Dispatcher()
dispatcher.add_function(give)
dispatcher.add_function(fail)
manager = AsyncJSONRPCResponseManager(dispatcher=dispatcher)

changed = False
def check(text, expected, expected_ran):
    global changed
    ran.clear()
    try:
        answer = asyncio.run(manager.get_payload_for_payload(text))
    except Exception as e:
        answer = f"no answer, {type(e).__name__}: {e}"
    print(f"> {text}\n< {answer}\n  ran with: {ran}")
    if (answer, ran) != (expected, expected_ran):
        changed = True
        print(f"  CHANGED: expected {expected} and {expected_ran}")

def call(id, value):
    return f'{{"jsonrpc":"2.0","id":{id},"method":"give","params":[{value}]}}'
raised = "no answer, ValueError: Either result or error should exist"
for value, returned in (("0", 0), ("false", False), ('""', "")):
    check(call(1, value), f'{{"jsonrpc": "2.0", "id": 1, "result": {value}}}', [returned])
check(call(2, "null"), raised, [None])
check(f"[{call(3, 1)},{call(4, 2)}]", '[{"jsonrpc": "2.0", "id": 3, "result": 1}, {"jsonrpc": "2.0", "id": 4, "result": 2}]', [1, 2])
check(f"[{call(3, 1)},{call(4, 'null')},{call(5, 2)}]", raised, [1, None, 2])
check('{"jsonrpc":"2.0","method":"give","params":[null]}', raised, [None])
check('{"jsonrpc":"2.0","id":6,"method":"fail"}', '{"jsonrpc": "2.0", "id": 6, "error": {"code": -32000, "message": "Server error"}}', [])
check('{"jsonrpc":"2.0","id":7,"method":"fail","params":null}', '{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "Invalid Request"}}', [])
sys.exit(changed)
PY
echo "ajsonrpc 1.2.0"
timeout 60 env/bin/python try.py
