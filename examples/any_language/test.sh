#!/bin/sh
# What any tour must be, on stops that the score does not know as well.
set -eu
stops=$(mktemp)
tour=$(mktemp)
trap 'rm -f "$stops" "$tour"' EXIT

check() {
    awk -f tour.awk "$stops" >"$tour"
    said=$(awk -f measure.awk "$stops" "$tour") || { echo "on $1: $said"; exit 1; }
}

echo "home 3 4" >"$stops" && check "one stop"
printf 'home 3 4\nmill 0 0\n' >"$stops" && check "two stops"
printf 'home 3 4\nmill 3 4\nquay 3 4\n' >"$stops" && check "three at one place"
awk 'BEGIN { for (n = 0; n < 30; n++) print "s" n, n * 37 % 90, n * 53 % 90 }' >"$stops"
check "thirty stops"
cp stops.txt "$stops" && check "the stops of the score"
