#!/usr/bin/env bash
# Installs PostgreSQL, MariaDB, Redis and nginx for the storage tests where one is missing (Debian and Ubuntu, as root or with
# sudo). They are not started as services; tools/servers.py starts private ones on loopback. Where they cannot be
# installed, the tests that need them are skipped, and say so.
set -uo pipefail
missing=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing+=(postgresql)
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx)
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

without() {
  echo "$1; tests that need ${missing[*]} will be skipped." >&2
  exit 0
}
command -v apt-get >/dev/null || without "There is no apt-get here"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || without "Packages cannot be installed without root"
  as_root=(sudo -n)
fi
# No service is started on this machine by the installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod +x $policy
  trap '"${as_root[@]}" rm -f $policy' EXIT
fi
"${as_root[@]}" apt-get update -qq >/dev/null 2>&1 || true
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 300 \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || without "The installation failed"
