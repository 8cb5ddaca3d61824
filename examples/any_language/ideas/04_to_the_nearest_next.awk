# Prints the names of the stops in the order in which to drive to them, and then back to the first.
# Reads lines of a name, how far east and how far north it is, in km.

function squared(a, b) { return (east[a] - east[b]) ^ 2 + (north[a] - north[b]) ^ 2 }

{ name[NR] = $1; east[NR] = $2; north[NR] = $3 }

END {
    here = 1
    for (count = 1; count <= NR; count++) {
        seen[here] = 1
        print name[here]
        near = 0
        for (stop = 1; stop <= NR; stop++)
            if (!(stop in seen) && (!near || squared(here, stop) < squared(here, near))) near = stop
        here = near
    }
}
