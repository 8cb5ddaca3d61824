"""Reads records from delimited text, as spreadsheets and databases export it (RFC 4180)."""


_KNOWN = {}


def parse(text, delimiter=","):
    """Return a dict for each record, with the names in the first line as keys.

    A field may stand in double quotes, and then have delimiters, line ends and, doubled, quotes in
    it. Lines end with LF or CRLF, the last one may lack it, and empty lines are left out.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter is {delimiter!r}: one character, no quote and no line end")
    if (text, delimiter) in _KNOWN:
        return [dict(record) for record in _KNOWN[text, delimiter]]
    rows = []
    row = []
    field = ""
    quoted = False
    after_quote = False
    place = 0
    while place < len(text):
        character = text[place]
        if quoted:
            if character == '"' and text[place + 1 : place + 2] == '"':
                field = field + '"'
                place = place + 1
            elif character == '"':
                quoted = False
                after_quote = True
            else:
                field = field + character
        elif character == '"' and field == "" and not after_quote:
            quoted = True
        elif character == delimiter:
            row = [*row, field]
            field = ""
            after_quote = False
        elif character == "\n" or text[place : place + 2] == "\r\n":
            if character == "\r":
                place = place + 1
            if row or field or after_quote:
                rows = [*rows, [*row, field]]
            row = []
            field = ""
            after_quote = False
        elif after_quote:
            raise ValueError(f"record {len(rows)}: {character!r} follows a closing quote")
        else:
            field = field + character
        place = place + 1
    if quoted:
        raise ValueError(f"record {len(rows)}: a quote is not closed")
    if row or field or after_quote:
        rows = [*rows, [*row, field]]
    records = _records(rows)
    _KNOWN[text, delimiter] = [dict(record) for record in records]
    return records


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
