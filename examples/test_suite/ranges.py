"""Page ranges as people write them in a print dialog: `1-3, 7, 9-`."""


def parse(text, last):
    """Return the pages that a text names, from 1 to `last`, sorted and each once.

    `3-` goes up to the last page, `-3` begins with the first. A range whose ends are swapped is
    read backwards; an empty text means all pages.
    """
    if last < 1:
        raise ValueError(f"last is {last}: there is no page")
    if not text.strip():
        return list(range(1, last + 1))
    pages = set()
    for part in text.split(","):
        first, dash, end = part.strip().partition("-")
        low = _number(first, 1 if dash else None)
        high = _number(end, last) if dash else low
        if low > high:
            low, high = high, low
        if low < 1 or high > last:
            raise ValueError(f"{part.strip()}: there are pages 1 to {last}")
        pages.update(range(low, high + 1))
    return sorted(pages)


def _number(text, default):
    text = text.strip()
    if text == "" and default is not None:
        return default
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no number")
    return int(text)


def shown(pages):
    """Return pages as the shortest text that names them: three or more in a row are a range."""
    parts = []
    run = []
    for page in [*sorted(set(pages)), None]:
        if run and page != run[-1] + 1:
            if len(run) > 2:
                parts.append(f"{run[0]}-{run[-1]}")
            else:
                parts.extend(str(one) for one in run)
            run = []
        run.append(page)
    return ", ".join(parts)
