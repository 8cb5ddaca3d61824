# Reads the stops, then a tour: prints its length in km, or says what is wrong with it.

function fail(message) { print message; failed = 1; exit 1 }

function distance(a, b) { return sqrt((east[a] - east[b]) ^ 2 + (north[a] - north[b]) ^ 2) }

FNR == 1 { file++ }

file == 1 { east[$1] = $2; north[$1] = $3; stops++; next }

NF != 1 { fail("a line of the tour is more than a name: " $0) }

!($1 in east) { fail("there is no stop " $1) }

$1 in seen { fail("the tour comes to " $1 " twice") }

{ seen[$1] = 1; if (visited++) length_in_km += distance(last, $1); else first = $1; last = $1 }

END {
    if (failed) exit 1
    if (visited != stops) { print "the tour comes to " visited + 0 " of " stops " stops"; exit 1 }
    printf "length: %.1f km\n", length_in_km + distance(last, first)
}
