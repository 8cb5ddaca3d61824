"""Makes valid arguments for the functions of the target, by the functions' names."""

from hypothesis import strategies as st

FIELDS = ["", "a", "Mill Street 7", 'a 5" pipe', '"a, b"', '"say ""hi"""', '"two\nlines"']


def tables(chance):
    """Return a table as users have it, drawn with a random.Random."""
    width, delimiter = chance.randrange(1, 6), chance.choice(",;\t")
    rows = [chance.choices(FIELDS, k=width) for _ in range(chance.randrange(1, 300))]
    return chance.choice(["\n", "\r\n"]).join(map(delimiter.join, rows)), delimiter


_odd = st.text(st.sampled_from('ab1 ",;\r\n\t\x0b\x85\u2028é'), max_size=8)
_line = st.lists(_odd | st.sampled_from(FIELDS), min_size=1, max_size=4).map(",".join)
_text = st.lists(_line, max_size=5).map("\n".join)

#: Small and odd, for a guard that compares with the original.
CALLS = {"parse": st.tuples(_text, st.sampled_from(",;"))}
#: Large and usual, for measuring: a candidate is faster on these too, or it is not faster.
LARGE = {"parse": tables}
