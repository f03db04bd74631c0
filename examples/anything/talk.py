# Calls a server, is called by it, takes a subscription, gets an error.
import json
import sys

from websockets.sync.client import connect


def shout(text):
    print("the server calls shout:", text)
    return text.upper()


METHODS = {"shout": shout}  # what the server may call


def send(**message):
    socket.send(json.dumps({"jsonrpc": "2.0", **message}))


def receive():
    """Returns the next answer or notification; requests of the server are answered on the way."""
    while True:
        message = json.loads(socket.recv())
        if "method" not in message or "id" not in message:
            return message
        if method := METHODS.get(message["method"]):
            send(id=message["id"], result=method(*message.get("params", [])))
        else:
            send(id=message["id"], error={"code": -32601, "message": "no such method"})


def call(id, method, *params):
    send(id=id, method=method, params=params)
    while (answer := receive()).get("id") != id:
        pass  # an item of a subscription
    return answer


with connect(sys.argv[1]) as socket:
    print("add:", call(1, "add", 1, 2)["result"])
    print("call_back:", call(2, "call_back", "shout", ["hi"])["result"])
    subscription = call(3, "ticks", 10, 100)["result"]
    for _ in range(3):
        print("tick", receive()["params"]["result"])
    call(4, "unsubscribe_ticks", subscription)
    error = call(5, "fail", 7, "no")["error"]
    print(f"error {error['code']}: {error['message']}")
