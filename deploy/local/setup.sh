#!/bin/sh
# Makes the virtual environment and, where it may, installs RabbitMQ. A second run ends at once when nothing changed.
set -eu

venv=${VENV:-.venv}
stamp=$venv/.headrace-setup
here=$(dirname "$0")

say() { echo "setup: $*"; }
fail() {
    echo "setup: $*" >&2
    exit 1
}

# Answers the first Python that works, is 3.11 or newer and can make environments.
find_python() {
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
        if is_fit "$name" "venv, ensurepip"; then
            echo "$name"
            return
        fi
    done
}

is_fit() {
    "$1" -c "import sys, $2; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1
}

# Debian and Ubuntu keep venv and ensurepip in a package of their own.
install_venv() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 0
    is_fit python3 sys || return 0
    say "installing python3-venv"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq -y --no-install-recommends python3-venv >/dev/null 2>&1 && return
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv; } >/dev/null ||
        fail "apt-get could not install python3-venv; install it by hand and run \`make setup\` again."
}

make_environment() {
    if is_fit "$venv/bin/python" pip; then
        return
    fi
    python=$(find_python)
    if [ -z "$python" ]; then
        install_venv
        python=$(find_python)
    fi
    [ -n "$python" ] || fail "no Python 3.11 or newer with venv found. Debian, Ubuntu: sudo apt-get install python3-venv;" \
        "macOS: brew install python@3.11; or name one: make setup PYTHON=/path/to/python3"
    say "making $venv with $("$python" --version 2>&1)"
    "$python" -m venv --clear "$venv" || fail "$python could not make $venv; the lines above say why."
}

install_packages() {
    say "installing the locked packages"
    "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check --require-hashes -r requirements/dev.txt ||
        fail "pip could not install requirements/dev.txt; the lines above say why. Is the network there?"
    "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check --no-build-isolation --no-deps -e . ||
        fail "pip could not install the project itself; the lines above say why."
}

# What the environment is made of: a change of any of it makes it again.
fingerprint() {
    cat requirements/dev.txt requirements/runtime.in pyproject.toml "$here/setup.sh" | cksum
    echo "$PWD/$venv"
}

if [ ! -x "$venv/bin/python" ] || [ "$(fingerprint)" != "$(cat "$stamp" 2>/dev/null)" ]; then
    make_environment
    install_packages
    fingerprint >"$stamp"
fi
"$here/install_rabbitmq.sh"
