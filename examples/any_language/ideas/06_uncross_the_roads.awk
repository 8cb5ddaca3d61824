# Prints the names of the stops in the order in which to drive to them, and then back to the first.
# Reads lines of a name, how far east and how far north it is, in km.

function distance(a, b) { return sqrt((east[a] - east[b]) ^ 2 + (north[a] - north[b]) ^ 2) }

function after(place) { return tour[place < NR ? place + 1 : 1] }

# Drives a part of the tour the other way round: two roads that crossed do not any more.
function turn(first, last,    stop) {
    while (first < last) {
        stop = tour[first]; tour[first++] = tour[last]; tour[last--] = stop
    }
}

{ name[NR] = $1; east[NR] = $2; north[NR] = $3 }

END {
    here = 1
    for (count = 1; count <= NR; count++) {
        seen[here] = 1
        tour[count] = here
        near = 0
        for (stop = 1; stop <= NR; stop++)
            if (!(stop in seen) && (!near || distance(here, stop) < distance(here, near))) near = stop
        here = near
    }
    do {
        better = 0
        for (i = 1; i < NR - 1; i++)
            for (j = i + 1; j <= NR; j++) {
                now = distance(tour[i], tour[i + 1]) + distance(tour[j], after(j))
                then = distance(tour[i], tour[j]) + distance(tour[i + 1], after(j))
                if (then < now - 0.000001) { turn(i + 1, j); better = 1 }
            }
    } while (better)
    for (count = 1; count <= NR; count++) print name[tour[count]]
}
