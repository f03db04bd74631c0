#!/usr/bin/env bash
# pjrpc 2.2.0 and tinyrpc 1.1.7 (PyPI; JSON-RPC 2.0 servers for Python over any transport, WebSockets among them), their dispatchers.
# Python 3.11 or later.
#
# One would guess: a request with `"id":null` is answered (it has the member `id`; only without it is it a notification), and nothing at
# all is sent for a batch of notifications.
#
# What is: both take `"id":null` for a notification: the method runs and its caller hears nothing. pjrpc does answer a batch of notifications:
# by `[]`, an array without a response, which JSON-RPC rules out and which a client that looks up the call of the first
# response does not expect. tinyrpc sends nothing there. And to pjrpc `"params":null` and the id 1.5 are no requests (-32600), and their answers
# bear the id null, so the callers wait; tinyrpc answers both.
#
# For a client: never null for an id, no fractions, no `params` if there are none; and let an empty array pass.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pjrpc==2.2.0 tinyrpc==1.1.7 || { echo "could not install pjrpc and tinyrpc"; exit 2; }
cat > try.py <<'PY'
import json, sys
import pjrpc.server
from tinyrpc.dispatch import RPCDispatcher
from tinyrpc.protocols.jsonrpc import JSONRPCProtocol

ran = 0
def seven():
    global ran
    ran += 1
    return 7

registry = pjrpc.server.MethodRegistry()
registry.add_method(seven)
ours = pjrpc.server.Dispatcher()
ours.add_methods(registry)
def by_pjrpc(text):
    answer = ours.dispatch(text, context=None)
    return answer and answer[0]
theirs = RPCDispatcher()
theirs.add_method(seven)
protocol = JSONRPCProtocol()
def by_tinyrpc(text):
    answer = theirs.dispatch(protocol.parse_request(text.encode()))
    return answer and answer.serialize()

changed = False
def check(text, *expected):
    global changed, ran
    print(">", text)
    for server, (answer, runs) in zip((by_pjrpc, by_tinyrpc), expected):
        ran = 0
        seen = server(text)
        if seen is not None:
            seen = json.loads(seen)
            if isinstance(seen, dict):
                seen = [seen["id"], seen["result"] if "result" in seen else seen["error"]["code"]]
        print(f"  {server.__name__}: {'nothing' if seen is None else json.dumps(seen)} (methods run: {ran})")
        if (seen, ran) != (answer, runs):
            changed = True
            print(f"  CHANGED: expected {json.dumps(answer)} ({runs})")

def call(more):
    return '{"jsonrpc":"2.0","method":"seven"%s}' % more
print("[id, result or code of the error] of each answer")
check(call(',"id":0'), ([0, 7], 1), ([0, 7], 1))
check(call(""), (None, 1), (None, 1))
check(call(',"id":null'), (None, 1), (None, 1))
check(f"[{call('')},{call('')}]", ([], 2), (None, 2))
check(call(',"id":1,"params":[]'), ([1, 7], 1), ([1, 7], 1))
check(call(',"id":1,"params":null'), ([None, -32600], 0), ([1, 7], 1))
check(call(',"id":1.5'), ([None, -32600], 0), ([1.5, 7], 1))
sys.exit(changed)
PY
echo "pjrpc 2.2.0, tinyrpc 1.1.7"
timeout 60 env/bin/python try.py
