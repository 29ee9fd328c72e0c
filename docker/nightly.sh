#!/bin/sh
# Makes the list of today once, or every day at a time of day. Settings come from the environment:
# WORKSPACE, SOURCE and RAW as for the step nightly, NIGHTLY_AT=04:00, and TZ for the day and the time.
set -eu

once() {
    dispute-risk nightly --workspace "${WORKSPACE:?}" --source "${SOURCE:?}" --raw "${RAW:?}" \
        --as-of "$(date +%F)"
}

# seconds from now to the next NIGHTLY_AT, of today or of tomorrow, on a clock that may change to summer time
seconds_left() {
    at="${NIGHTLY_AT:-04:00}"
    left=$(($(date -d "$(date +%F) $at" +%s) - $(date +%s)))
    if [ "$left" -le 0 ]; then
        left=$(($(date -d "$(date -d tomorrow +%F) $at" +%s) - $(date +%s)))
    fi
    echo "$left"
}

# in the background, so that a stop of the container reaches it at once
watched() {
    "$@" &
    child=$!
    wait "$child"
}

case "${1:-daily}" in
once) once ;;
seconds-left) seconds_left ;;
daily)
    child=
    trap 'kill $child 2>/dev/null || true; exit 0' TERM INT
    # a wrong time of day ends the container now, not in the night
    seconds_left >/dev/null
    while true; do
        watched sleep "$(seconds_left)"
        # a night that fails leaves the last list, and the next one is tried tomorrow
        watched once || echo "nightly.sh: the night ended with exit code $?" >&2
    done
    ;;
*)
    echo "nightly.sh: write once, daily or seconds-left, not $1" >&2
    exit 2
    ;;
esac
