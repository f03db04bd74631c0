# Servers of the field, each called by our client, which does a small job there. `run` sources this, and says
# `full` as the first argument if it was told so.
#
# A server runs as on a machine of its own: in a new home, on a free port. Packages of Debian have the version that
# Debian has: the one that ran is printed.

source ../../.ci/installs.sh
# From the homes as well.
kept=$(realpath "$kept")

readonly NODE_SERVERS=(@foundry-rs/anvil@1.7.1 @openai/codex@0.171.0
    @modelcontextprotocol/server-everything@2026.8.31 pyright@1.1.414)
readonly PYTHON_SERVERS=('python-lsp-server[pyflakes,websockets]==1.15.0' deltachat-rpc-server==2.65.0)

install_python_servers() {
    timeout 120 python3 -m venv "$kept/python_servers"
    timeout 300 "$kept/python_servers/bin/pip" install --quiet --disable-pip-version-check "${PYTHON_SERVERS[@]}"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The next server, which is no more than a name so far: sets `home`, which is empty, and `port`, which is free.
next() {
    name=$1 port=$(free_port) home=$kept/homes/$1 others=${#servers[@]}
    rm -rf "${home:?}"
    mkdir -p "$home"
}

# Starts a program of the next server in its home, with no variable of ours. It ends once the server was called;
# some do so by a crash, which leaves nothing here.
starts() {
    (
        ulimit -c 0
        cd "$home"
        exec env -i PATH="$PATH" HOME="$home" timeout 120 "$@"
    ) >>"$home/log" 2>&1 </dev/null &
    servers+=($!)
}

# Our client calls the next server, as soon as that listens, by a URL with this path.
calls() {
    local attempt failures=${#failed[@]}
    for ((attempt = 0; attempt < 300; attempt++)); do
        (exec {socket}<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        kill -0 "${servers[-1]}" || break
        sleep 0.1
    done
    peer "$target/debug/peers_servers" "$name" "ws://127.0.0.1:$port$1"
    ((${#failed[@]} == failures)) || tail -n 20 "$home/log"
    end_servers "$others"
}

# Our client starts the next server, in its home, and calls it over pipes.
pipes() {
    peer env -C "$home" HOME="$home" "$(realpath "$target")/debug/peers_servers" "$name" "$@"
}

installs aria2c=aria2 mopidy snapclient snapserver
once node_servers "$(node --version) ${NODE_SERVERS[*]}" install_node node_servers "${NODE_SERVERS[@]}"
once python_servers "$(python3 --version) ${PYTHON_SERVERS[*]}" install_python_servers
readonly NODE_PROGRAMS=$kept/node_servers/node_modules/.bin

next aria2
aria2c --version | head -n 1
starts aria2c --no-conf --enable-rpc --rpc-listen-port="$port" --dir="$home" --enable-dht=false
calls /jsonrpc

next mopidy
mopidy --version
starts mopidy -o http/hostname=127.0.0.1 -o http/port="$port" -o http/zeroconf= -o audio/output=fakesink
calls /mopidy/ws

next snapserver
snapserver --version | head -n 1
stream_port=$(free_port)
printf '%s\n' '[server]' "datadir = $home" '[tcp]' 'enabled = false' \
    '[http]' 'bind_to_address = 127.0.0.1' "port = $port" \
    '[stream]' 'bind_to_address = 127.0.0.1' "port = $stream_port" "source = pipe://$home/music?name=music" \
    >"$home/snapserver.conf"
starts snapserver --config "$home/snapserver.conf"
# A loudspeaker, in whose stead a file throws the music away. It tries again until there is a server.
starts snapclient --host 127.0.0.1 --port "$stream_port" --hostID kitchen --player file:filename=null
calls /jsonrpc

next anvil
starts "$NODE_PROGRAMS/anvil" --port "$port"
calls ''

next pylsp
starts "$kept/python_servers/bin/pylsp" --ws --host 127.0.0.1 --port "$port"
calls ''

pipes "$kept/python_servers/bin/pylsp"

next deltachat
pipes "$kept/python_servers/bin/deltachat-rpc-server"

next everything
pipes node "$kept/node_servers/node_modules/@modelcontextprotocol/server-everything/dist/index.js" stdio

next mcp_rounds
pipes env NODE_PATH="$kept/node/node_modules" node "$PWD/mcp_rounds_server.cjs"

next codex
starts "$NODE_PROGRAMS/codex" app-server --listen "ws://127.0.0.1:$port"
calls ''

# Kodi needs over a hundred packages, among them a screen that nobody sees.
if [[ ${1:-} == full ]]; then
    installs kodi Xvfb=xvfb
    next kodi
    kodi --version | head -n 1
    # The first line says which display it is.
    serve Xvfb -displayfd 1 -screen 0 640x480x24 -nolisten tcp
    mkdir -p "$home/.kodi/userdata"
    printf '<advancedsettings><jsonrpc><tcpport>%s</tcpport></jsonrpc></advancedsettings>\n' "$port" \
        >"$home/.kodi/userdata/advancedsettings.xml"
    # General: it installs nothing by itself. Services: whoever is on this machine may call it, no one else.
    printf '<settings version="2">%s%s%s</settings>\n' '<setting id="general.addonupdates">2</setting>' \
        '<setting id="services.esenabled">true</setting>' '<setting id="services.zeroconf">false</setting>' \
        >"$home/.kodi/userdata/guisettings.xml"
    starts env DISPLAY=":$url" XDG_RUNTIME_DIR="$home" kodi --standalone --windowing=x11
    calls /jsonrpc
fi

# Language servers behind a WebSocket of ours.
peer "$target/debug/bridge" node "$kept/node_servers/node_modules/pyright/langserver.index.js" --stdio
peer "$target/debug/bridge" "$kept/python_servers/bin/pylsp"
