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

# Packages of npm into `$kept/node`.
install_node() {
    mkdir "$kept/node"
    timeout 300 npm install --prefix "$kept/node" --ignore-scripts --no-audit --no-fund \
        --no-package-lock --loglevel=error "$@"
}

# Starts a server, whose first line says where it listens; sets `url`. It ends with the script.
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true' EXIT
serve() {
    local output line
    exec {output}< <(exec timeout 300 "$@" 2>"$kept/server.log")
    servers+=($!)
    read -r -t 20 line <&"$output" || { cat "$kept/server.log"; return 1; }
    url=${line#listening on }
}
