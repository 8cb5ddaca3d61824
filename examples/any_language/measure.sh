#!/bin/sh
# The length of the tour through all stops, which is the score.
set -eu
tour=$(mktemp)
trap 'rm -f "$tour"' EXIT
awk -f tour.awk stops.txt >"$tour"
awk -f measure.awk stops.txt "$tour"
