#!/usr/bin/env bash
# Installs the Debian packages that ShardForge is built, run and tested with (deps/README.md says what
# each is for). Does nothing when all are there. Runs as root or through sudo; where neither
# is possible it prints the one command to run.
set -euo pipefail
cd "$(dirname "$0")"
mapfile -t packages < <(sed -n 's/^| `\([a-z0-9.+-]*\)`.*/\1/p' README.md)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
install="apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
    runner=(bash -c)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    runner=(sudo bash -c)
else
    echo "These Debian packages are missing. As root, run:" >&2
    echo "    $install" >&2
    exit 1
fi
echo "installing: ${missing[*]}"
# The redis-server package would start a service; a policy that says no keeps it from running.
policy=/usr/sbin/policy-rc.d
made_policy=no
"${runner[@]}" "test -e $policy" || { "${runner[@]}" "printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy"; made_policy=yes; }
status=0
"${runner[@]}" "$install" >/dev/null || status=$?
[ $made_policy = yes ] && "${runner[@]}" "rm -f $policy"
exit $status
