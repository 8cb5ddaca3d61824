# Prints the names of the stops in the order in which to drive to them, and then back to the first.
# Reads lines of a name, how far east and how far north it is, in km.

{ name[NR] = $1; east[NR] = $2; north[NR] = $3 }

END { for (stop = 1; stop <= NR; stop++) print name[stop] }
