#!/bin/sh
# What any tour must be, on stops that the score does not know as well.
set -eu
stops=$(mktemp)
tour=$(mktemp)
trap 'rm -f "$stops" "$tour"' EXIT

check() {
    awk -f tour.awk "$stops" >"$tour"
    awk -f measure.awk "$stops" "$tour" || { echo "on these stops:"; cat "$stops"; exit 1; }
}

echo "home 3 4" >"$stops" && check
printf 'home 3 4\nmill 0 0\n' >"$stops" && check
printf 'home 3 4\nmill 3 4\nquay 3 4\n' >"$stops" && check
awk 'BEGIN { srand(7); for (n = 1; n <= 30; n++) print "s" n, int(rand() * 90), int(rand() * 90) }' >"$stops" && check
cp stops.txt "$stops" && check
