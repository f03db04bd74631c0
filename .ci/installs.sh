# What the scripts that need Debian's packages share.

# A program that hangs must fail, not wait.
ends() {
    timeout "$1" "${@:2}"
}

# Installs what is not there, each by the name of its package: `installs curl aria2c=aria2`, where the program is
# called otherwise.
installs() {
    local missing=() program
    for program in "$@"; do
        command -v "${program%=*}" >/dev/null || missing+=("${program#*=}")
    done
    installs_missing "${missing[@]}"
}

# The same for packages that bring no program, such as libraries.
installs_libraries() {
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    installs_missing "${missing[@]}"
}

# What packages merely recommend, daemons among it, is left out.
installs_missing() {
    (($# == 0)) && return
    local apt=(apt-get --yes --quiet -o APT::Install-Recommends=false -o DPkg::Lock::Timeout=120)
    ((EUID == 0)) || apt=(sudo "${apt[@]}")
    # A new machine may not know the packages yet.
    ends 300 "${apt[@]}" install "$@" ||
        { ends 300 "${apt[@]}" update && ends 300 "${apt[@]}" install "$@"; }
}
