#!/usr/bin/env bash
# Installs what the tests in a browser need: Debian's Chromium, a font with Chinese letters and axe-core.
# It never fails: if something cannot be installed, the tests that need it are skipped and say why.
set -u
cd "$(dirname "$0")/../.."
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

if ! command -v chromium >/dev/null || ! fc-list 2>/dev/null | grep -q -i wqy; then
  export DEBIAN_FRONTEND=noninteractive
  { timeout 120 apt-get --version >/dev/null && as_root timeout 300 apt-get update -qq \
    && as_root timeout 900 apt-get install -y -qq --no-install-recommends chromium fonts-wqy-microhei; } >/dev/null 2>&1 \
    || echo "note: Chromium could not be installed; the tests in a browser will be skipped"
fi
if command -v npm >/dev/null && [ ! -f .browser/node_modules/axe-core/axe.min.js ]; then
  timeout 300 npm install --silent --no-audit --no-fund --prefix .browser axe-core@4.14.1 >/dev/null 2>&1 \
    || echo "note: axe-core could not be installed; the accessibility test will be skipped"
fi
exit 0
