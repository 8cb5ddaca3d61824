"""Makes valid arguments for the functions of the target, by the functions' names."""

from hypothesis import strategies as st

PLAIN = ["", "a", "7", "1,5", "Oslo", "Mill Street 7", "leave it at the door"]
RARE = ['a 5" pipe', '"a, b"', '"say ""hi"""', '"two\nlines"', '""']


def tables(chance):
    """Return a table as users have it, drawn with a random.Random."""
    fields, weights = [*PLAIN, *RARE], [12] * len(PLAIN) + [1] * len(RARE)
    width, height = chance.randrange(2, 7), chance.randrange(5, 50)
    rows = [chance.choices(fields, weights, k=width) for _ in range(height)]
    return chance.choice(["\n", "\r\n"]).join(map(";".join, rows)), ";"


_odd = st.text(st.sampled_from('a\u2028\x0b,;"\r\n'), max_size=5)
_line = st.lists(_odd | st.sampled_from(PLAIN + RARE), min_size=1, max_size=3).map(",".join)
_text = st.lists(_line, max_size=5).map("\n".join)

#: Small and odd, for a guard that compares with the original.
CALLS = {"parse": st.tuples(_text, st.sampled_from(",;"))}
#: Large and usual, for measuring: a candidate is faster on these too, or it is not faster.
LARGE = {"parse": tables}
