#!/usr/bin/env bash
# What the tests of databases need: Debian's PostgreSQL and MariaDB servers; the tests start their own.
# Never fails: where something cannot be had, those tests are skipped and say why.
set -u
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

missing=()
compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || missing+=(postgresql)
PATH="$PATH:/usr/sbin" command -v mariadbd >/dev/null || missing+=(mariadb-server)
if [ "${#missing[@]}" -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  { timeout 120 apt-get --version >/dev/null && as_root timeout 300 apt-get update -qq \
    && as_root timeout 600 apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 \
    || echo "note: ${missing[*]} could not be installed; the tests of databases are skipped"
fi
exit 0
