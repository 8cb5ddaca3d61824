# Prints the names of the stops in the order in which to drive to them, and then back to the first.
# The order was looked for by hand.

END {
    print "ash\npeak\ncreek\npine\nelm\nisle\nbell\nholly\nquay\nmoor"
    print "ford\ngrove\nmead\nreed\nbrook\nforge\ndale\nweir\nclover\nfield"
    print "rock\ncrane\nleaf\nhill\ncove\ncliff\nharbour\nmill\nyew\nheath"
    print "well\ndell\nlake\norchard\nglen\nridge\nyard\nwood\nlane\nwillow"
    print "birch\nstone\nspring\nbay\nledge\ninn\noak\nfern\npond\nvale"
}
