#!/bin/sh
# Tries an environment from which something was removed: try-steps.sh ENVIRONMENT. It imports every module,
# makes a first list as the demo does, and asks the board for it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
export HOME="$trial" PYTHONDONTWRITEBYTECODE=1 PATH="$1/bin:$PATH"
cd "$trial"

python "$here/import-all.py"
dispute-risk --help >/dev/null
dispute-risk simulate --workspace shop --orders 2000 --exports
dispute-risk nightly --workspace shop --source canonical --raw shop/raw --as-of 2026-01-01
dispute-risk world-page --workspace shop
test -s shop/simulated_store.html
grep -qr vegaEmbed --include="*.html" shop/runs

dispute-risk board --workspace shop --port 8321 >board.log 2>&1 &
board=$!
tries=0
until python "$here/board-answers.py" 8321; do
    tries=$((tries + 1))
    if [ "$tries" -gt 180 ] || ! kill -0 "$board" 2>/dev/null; then
        cat board.log >&2
        exit 1
    fi
    sleep 1
done
kill "$board"
echo "try-steps.sh: all steps ran"
