# What the scripts that run foreign programs share. They set `kept`: where what they install is kept.

mkdir -p "$kept"

# Runs an installation unless the same one has succeeded before: `once NAME WHAT command…`.
once() {
    local stamp=$kept/$1.installed what=$2
    [[ -f $stamp && $(<"$stamp") == "$what" ]] && return
    printf 'installing %s\n' "$what"
    rm -rf "${stamp:?}" "${kept:?}/$1"
    "${@:3}"
    printf '%s' "$what" >"$stamp"
}

# Packages of npm into a folder below `$kept`: `install_node NAME PACKAGE…`.
install_node() {
    mkdir "$kept/$1"
    timeout 300 npm install --prefix "$kept/$1" --ignore-scripts --no-audit --no-fund \
        --no-package-lock --loglevel=error "${@:2}"
}

# What `serve` has started, each a `timeout` that leads a group of processes. They end with the script.
servers=()
trap 'end_servers 0' EXIT

# Ends all servers but so many, the last one first, and waits for them.
end_servers() {
    while ((${#servers[@]} > $1)); do
        end_group "${servers[-1]}"
        unset 'servers[-1]'
    done
}

# What does not end within 5 s is killed.
end_group() {
    local attempt
    # It leads no group yet if it has just been started.
    kill -- "-$1" 2>/dev/null || kill "$1" 2>/dev/null || return 0
    for ((attempt = 0; attempt < 50; attempt++)); do
        kill -0 -- "-$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$1" 2>/dev/null || true
}

# Starts a server, whose first line says where it listens; sets `url`.
serve() {
    local output line
    exec {output}< <(exec timeout 300 "$@" 2>"$kept/server.log")
    servers+=($!)
    read -r -t 20 line <&"$output" || { cat "$kept/server.log"; return 1; }
    url=${line#listening on }
}
