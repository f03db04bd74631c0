#!/usr/bin/env bash
# python-lsp-server 1.15.0 with jedi 0.20.1 (PyPI; pylsp, a language server: JSON-RPC 2.0 with the framing of the Language Server Protocol, which editors in a
# browser put behind a WebSocket). Python 3.11 or later.
#
# One would guess: as that protocol has it, "nothing found" is `null`: for a hover, for help with a signature and for a renaming; and
# what the server does not take, as a batch, is refused by an error.
#
# What is: never null. A hover over an empty line is {"contents":""}, so an editor that shows what is not null shows an empty box; help
# with a signature is {"signatures":[]}; and a renaming of nothing is [], which is not even of the type that a renaming
# has (an object of edits, or null): a client with types fails on it. A request without `params` gets -32602 with the name
# of a Python exception as its message. And a batch is dropped: no answer, no error, though each of its calls alone would be answered.
#
# For a client: take each of null, [] and an object with nothing in it for "nothing"; send no batches; set a time limit.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check python-lsp-server==1.15.0 jedi==0.20.1 || { echo "could not install python-lsp-server"; exit 2; }
cat > try.py <<'PY'
import json, queue, subprocess, sys, threading

server = subprocess.Popen(["env/bin/pylsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
answers = queue.Queue()
def read():
    while head := server.stdout.readline():
        if head.lower().startswith(b"content-length"):
            length = int(head.split(b":")[1])
        elif head == b"\r\n":
            message = json.loads(server.stdout.read(length))
            if "method" not in message:
                answers.put(message)
threading.Thread(target=read, daemon=True).start()

def send(message):
    text = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
    server.stdin.flush()
def ask(message, wait=30):
    send(message)
    try:
        answer = answers.get(timeout=wait)
    except queue.Empty:
        return "no answer within 3 s"
    return answer["result"] if "result" in answer else answer["error"]
count = 0
def call(method, **params):
    global count
    count += 1
    return {"jsonrpc": "2.0", "id": count, "method": method} | ({"params": params} if params else {})

changed = False
def check(what, seen, expected):
    global changed
    print(f"{what}: {json.dumps(seen)}")
    if seen != expected:
        changed = True
        print(f"  CHANGED: expected {json.dumps(expected)}")

ask(call("initialize", processId=None, rootUri=None, capabilities={}))
uri = "file:///nowhere/a.py"
send({"jsonrpc": "2.0", "method": "initialized", "params": {}})
send({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": "x = 1\n\nprint(x)\n"}}})
def at(line, character):
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
check("a hover over print has", sorted(ask(call("textDocument/hover", **at(2, 2)))["contents"]), ["kind", "value"])
check("a hover over an empty line", ask(call("textDocument/hover", **at(1, 0))), {"contents": ""})
check("help with a signature there", ask(call("textDocument/signatureHelp", **at(1, 0))), {"signatures": []})
check("a renaming of x has", sorted(ask(call("textDocument/rename", **at(0, 0), newName="y"))), ["documentChanges"])
check("a renaming there", ask(call("textDocument/rename", **at(1, 0), newName="y")), [])
refusal = ask(call("textDocument/hover"))
check("a hover without params", [refusal["code"], refusal["message"]], [-32602, "TypeError: 'NoneType' object is not subscriptable"])
check("a batch of two hovers", ask([call("textDocument/hover", **at(2, 2)), call("textDocument/hover", **at(1, 0))], 3), "no answer within 3 s")
check("a method that is not there", ask(call("no/such")), {"code": -32601, "message": "Method Not Found: no/such"})
check("shutdown", ask(call("shutdown")), None)
send({"jsonrpc": "2.0", "method": "exit"})
server.wait(10)
sys.exit(changed)
PY
echo "python-lsp-server 1.15.0, jedi 0.20.1"
timeout 100 env/bin/python try.py
