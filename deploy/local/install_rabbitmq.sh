#!/bin/sh
# Installs RabbitMQ's program, as root on Debian and Ubuntu, without starting the system-wide broker that its package brings.
set -eu

policy=/usr/sbin/policy-rc.d

say() { echo "setup: $*"; }

is_there() {
    for place in /usr/lib/rabbitmq/bin /opt/homebrew/opt/rabbitmq/sbin /usr/local/opt/rabbitmq/sbin; do
        [ -x "$place/rabbitmq-server" ] && return
    done
    return 1
}

if [ -n "${HEADRACE_RABBITMQ_URL:-}" ] || is_there; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "RabbitMQ is not installed. Debian, Ubuntu: sudo apt-get install rabbitmq-server; macOS: brew install rabbitmq;"
    say "or set HEADRACE_RABBITMQ_URL to a broker of yours. Whatever needs no broker works without it."
    exit 0
fi

# While the package is installed, no service may be started: exit code 101 of this file says so.
put_back() {
    if [ -e "$policy.headrace" ]; then
        mv -f "$policy.headrace" "$policy"
    else
        rm -f "$policy"
    fi
}

install() { apt-get install -qq -y --no-install-recommends rabbitmq-server; }

say "installing rabbitmq-server (its system-wide service is not started)"
export DEBIAN_FRONTEND=noninteractive
if [ -e "$policy" ]; then
    mv "$policy" "$policy.headrace"
fi
trap put_back EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"
log=$(mktemp)
if ! install >"$log" 2>&1 && ! { apt-get update -qq && install; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "setup: apt-get could not install rabbitmq-server; the lines above say why." >&2
    exit 1
fi
rm -f "$log"
if [ -d /run/systemd/system ]; then
    systemctl disable -q rabbitmq-server || say "rabbitmq-server starts at the next boot; systemctl disable rabbitmq-server"
fi
