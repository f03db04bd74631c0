# What the scripts that need Debian's packages share.

# A program that hangs must fail, not wait.
ends() {
    timeout "$1" "${@:2}"
}

# Installs what is not there, each by the name of its package: `installs curl aria2c=aria2`, where the program is
# called otherwise. What packages merely recommend, daemons among it, is left out.
installs() {
    local missing=() program
    for program in "$@"; do
        command -v "${program%=*}" >/dev/null || missing+=("${program#*=}")
    done
    ((${#missing[@]} == 0)) && return
    local apt=(apt-get --yes --quiet -o APT::Install-Recommends=false)
    ((EUID == 0)) || apt=(sudo "${apt[@]}")
    # A new machine may not know the packages yet.
    ends 300 "${apt[@]}" install "${missing[@]}" ||
        { ends 300 "${apt[@]}" update && ends 300 "${apt[@]}" install "${missing[@]}"; }
}
