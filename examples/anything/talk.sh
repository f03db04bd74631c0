# Calls a server, is called by it, takes a subscription, gets an error. A line is a message, both ways.
set -euo pipefail
coproc server { websocat "$1"; }

# `answer MEMBER` answers the request in `message`.
answer() { jq -c "{jsonrpc: \"2.0\", id, $1}" <<<"$message" >&"${server[1]}"; }

# Reads the next answer or notification into `message`; requests of the server are answered on the way.
receive() {
    while read -r message <&"${server[0]}"; do
        case $(jq -r 'if has("id") then .method else null end' <<<"$message") in
            null) return ;;
            shout)
                jq -r '"the server calls shout: \(.params[0])"' <<<"$message"
                answer 'result: (.params[0] | ascii_upcase)'
                ;;
            *) answer 'error: {code: -32601, message: "no such method"}' ;;
        esac
    done
    return 1
}

# `call ID METHOD PARAMS` reads the answer into `message`.
call() {
    printf '{"jsonrpc":"2.0","id":%s,"method":"%s","params":%s}\n' "$@" >&"${server[1]}"
    until receive && [[ $(jq .id <<<"$message") == "$1" ]]; do :; done
}

call 1 add '[1,2]'
jq -r '"add: \(.result)"' <<<"$message"
call 2 call_back '["shout",["hi"]]'
jq -r '"call_back: \(.result)"' <<<"$message"
call 3 ticks '[10,100]'
subscription=$(jq .result <<<"$message")
for _ in 1 2 3; do
    receive
    jq -r '"tick \(.params.result)"' <<<"$message"
done
call 4 unsubscribe_ticks "[$subscription]"
call 5 fail '[7,"no"]'
jq -r '.error | "error \(.code): \(.message)"' <<<"$message"
kill "$server_PID"
