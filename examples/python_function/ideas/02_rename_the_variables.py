"""Reads records from delimited text, as spreadsheets and databases export it (RFC 4180)."""


def parse(text, delimiter=","):
    """Return a dict for each record, with the names in the first line as keys.

    A field may stand in double quotes, and then have delimiters, line ends and, doubled, quotes in
    it. Lines end with LF or CRLF, the last one may lack it, and empty lines are left out.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter is {delimiter!r}: one character, no quote and no line end")
    rows = []
    row = []
    field = ""
    quoted = False
    closed = False
    position = 0
    while position < len(text):
        character = text[position]
        if quoted:
            if character == '"' and text[position + 1 : position + 2] == '"':
                field = field + '"'
                position = position + 1
            elif character == '"':
                quoted = False
                closed = True
            else:
                field = field + character
        elif character == '"' and field == "" and not closed:
            quoted = True
        elif character == delimiter:
            row = [*row, field]
            field = ""
            closed = False
        elif character == "\n" or text[position : position + 2] == "\r\n":
            if character == "\r":
                position = position + 1
            if row or field or closed:
                rows = [*rows, [*row, field]]
            row = []
            field = ""
            closed = False
        elif closed:
            raise ValueError(f"record {len(rows)}: {character!r} follows a closing quote")
        else:
            field = field + character
        position = position + 1
    if quoted:
        raise ValueError(f"record {len(rows)}: a quote is not closed")
    if row or field or closed:
        rows = [*rows, [*row, field]]
    return _records(rows)


def _records(rows):
    """Return rows as dicts; the first one has their keys."""
    records = []
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"record {number}: {len(row)} fields, the header has {len(rows[0])}")
        if number > 0:
            record = {}
            for position in range(len(row)):
                record[rows[0][position]] = row[position]
            records.append(record)
    return records
