"""Reads records from delimited text, as spreadsheets and databases export it (RFC 4180)."""

import re

_INNER = re.compile(r'[^"]*(?:""[^"]*)*')


def parse(text, delimiter=","):
    """Return a dict for each record, with the names in the first line as keys.

    A field may stand in double quotes, and then have delimiters, line ends and, doubled, quotes in
    it. Lines end with LF or CRLF, the last one may lack it, and empty lines are left out.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter is {delimiter!r}: one character, no quote and no line end")
    rows = []
    place = 0
    end = len(text)
    while place < end:
        line_end = text.find("\n", place)
        if line_end < 0:
            line_end = end
        line = text[place:line_end]
        if '"' in line:
            row, place = _quoted_row(text, place, delimiter, len(rows))
        else:
            place = line_end + 1
            if line_end < end and line.endswith("\r"):
                line = line[:-1]
            row = line.split(delimiter) if line else None
        if row:
            rows.append(row)
    return _records(rows)


def _quoted_row(text, place, delimiter, number):
    """Return the fields of a line that has quotes in it, and where the next one begins."""
    row = []
    while True:
        quoted = text.startswith('"', place)
        if quoted:
            found = _INNER.match(text, place + 1)
            if found.end() == len(text):
                raise ValueError(f"record {number}: a quote is not closed")
            row.append(found[0].replace('""', '"'))
            place = found.end() + 1
        else:
            stop = text.find("\n", place)
            stop = len(text) if stop < 0 else stop
            comma = text.find(delimiter, place, stop)
            if comma >= 0:
                stop = comma
            elif text.startswith("\r\n", stop - 1) and stop > place:
                stop -= 1
            row.append(text[place:stop])
            place = stop
        if text.startswith(delimiter, place):
            place += 1
        elif place >= len(text) or text.startswith(("\n", "\r\n"), place):
            return row, place + (2 if text.startswith("\r", place) else 1)
        else:
            raise ValueError(f"record {number}: {text[place]!r} follows a closing quote")


def _records(rows):
    """Return rows as dicts; the first one has their keys."""
    if not rows:
        return []
    keys = rows[0]
    width = len(keys)
    for number, row in enumerate(rows):
        if len(row) != width:
            raise ValueError(f"record {number}: {len(row)} fields, the header has {width}")
    return [dict(zip(keys, row)) for row in rows[1:]]
