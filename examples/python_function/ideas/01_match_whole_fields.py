"""Reads records from delimited text, as spreadsheets and databases export it (RFC 4180)."""

import re


def parse(text, delimiter=","):
    """Return a dict for each record, with the names in the first line as keys.

    A field may stand in double quotes, and then have delimiters, line ends and, doubled, quotes in
    it. Lines end with LF or CRLF, the last one may lack it, and empty lines are left out.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter is {delimiter!r}: one character, no quote and no line end")
    special = re.escape(delimiter)
    # A plain field ends before a delimiter or a line end; a lone CR belongs to it.
    plain = re.compile(rf"(?:[^{special}\r\n]|\r(?!\n))*")
    inner = re.compile(r'[^"]*(?:""[^"]*)*')
    rows = []
    row = []
    place = 0
    end = len(text)
    while place < end:
        quoted = text[place] == '"'
        if quoted:
            found = inner.match(text, place + 1)
            if found.end() == end:
                raise ValueError(f"record {len(rows)}: a quote is not closed")
            field = found[0].replace('""', '"')
            place = found.end() + 1
        else:
            found = plain.match(text, place)
            field = found[0]
            place = found.end()
        following = text[place : place + 1]
        if following == delimiter:
            row.append(field)
            place += 1
            if place == end:
                row.append("")
        elif following == "\n" or following == "" or text.startswith("\r\n", place):
            if row or field or quoted:
                row.append(field)
                rows.append(row)
            row = []
            place += 2 if following == "\r" else 1
        else:
            raise ValueError(f"record {len(rows)}: {following!r} follows a closing quote")
    if row:
        rows.append(row)
    return _records(rows)


def _records(rows):
    """Return rows as dicts; the first one has their keys."""
    records = []
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"record {number}: {len(row)} fields, the header has {len(rows[0])}")
        if number > 0:
            record = {}
            for place in range(len(row)):
                record[rows[0][place]] = row[place]
            records.append(record)
    return records
