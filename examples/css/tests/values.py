"""Values of CSS, written in one way: `#333333` and `#333`, `0px` and `0`, `bold` and `700`."""

import re

from tinycss2.color3 import parse_color

#: Units of lengths, which a zero may lose. Times, angles and shares keep theirs.
LENGTHS = {"px", "em", "rem", "pt", "pc", "cm", "mm", "in", "ex", "ch", "vw", "vh", "vmin", "vmax"}
#: Properties in which a name may be a colour.
COLOURED = re.compile(r"color|background|border|outline|shadow|fill|stroke|text-decoration")
WEIGHTS = {"bold": "700", "normal": "400"}
#: Functions that every browser knows; one that does not know another drops the declaration.
OLD_FUNCTIONS = {"rgb", "rgba", "translate", "rotate", "scale", "cubic-bezier", "attr"}
SIDES = ("top", "right", "bottom", "left")
CORNERS = ("top-left", "top-right", "bottom-right", "bottom-left")
#: Shorthands of four, and how their parts are called.
FOURS = {
    **{name: [f"{name}-{side}" for side in SIDES] for name in ("margin", "padding")},
    **{
        f"border-{what}": [f"border-{side}-{what}" for side in SIDES]
        for what in ("color", "style", "width")
    },
    "border-radius": [f"border-{corner}-radius" for corner in CORNERS],
}


def expand(name, tokens):
    """Return names and values of a declaration: one, or four for a shorthand of four sides."""
    if name.startswith("--"):
        # Nobody knows what a variable's value will be used for.
        return [(name, " ".join("".join(token.serialize() for token in tokens).split()))]
    name = name.lower()
    parts = _parts(name, tokens)
    if name in FOURS and len(parts) <= 4 and not re.search(r"var\(|/", " ".join(parts)):
        second = parts[1] if len(parts) > 1 else parts[0]
        third = parts[2] if len(parts) > 2 else parts[0]
        fourth = parts[3] if len(parts) > 3 else second
        return list(zip(FOURS[name], (parts[0], second, third, fourth), strict=True))
    return [(name, _tight(" ".join(parts)))]


def is_understood_by_all(value):
    """Tell whether every browser knows a value, so that what stands before it is dead."""
    functions = set(re.findall(r"([\w-]+)\(", value)) - {"url", "string"}
    if functions - OLD_FUNCTIONS:
        return False
    # What newer layouts and prefixes are called may be unknown; numbers, colours and words of old
    # are not.
    return not re.search(r"(^|[ ,(])-[a-z]|flex|grid|sticky|contents|unset|revert", value)


def _parts(name, tokens):
    """Return the parts of a value at its top level, each in its one form."""
    found = [""]
    for token in tokens:
        if token.type == "whitespace":
            found.append("")
        elif token.type != "comment":
            found[-1] += _one(name, token, top=True)
    return [part for part in found if part]


def _one(name, token, *, top):
    """Return a token in its one form."""
    if token.type in {"number", "percentage", "dimension"}:
        return _number(name, token, top=top)
    if token.type == "ident" and name == "font-weight":
        return WEIGHTS.get(token.lower_value, token.lower_value)
    colour = None
    if token.type in {"hash", "function"} or (token.type == "ident" and COLOURED.search(name)):
        colour = parse_color(token)
    if isinstance(colour, tuple):
        shades = ",".join(f"{round(255 * one)}" for one in colour[:3])
        return f"rgba({shades},{colour.alpha:.4g})"
    if token.type == "function":
        inside = "".join(_one(name, one, top=False) for one in token.arguments)
        return f"{token.lower_name}({_tight(' '.join(inside.split()))})"
    if token.type in {"string", "url"}:
        return f"{token.type}({token.value!r})"
    return " " if token.type in {"whitespace", "comment"} else token.serialize()


def _number(name, token, *, top):
    """Return a number in its one form, without the unit that it may lose."""
    unit = {"number": "", "percentage": "%"}.get(token.type) or getattr(token, "lower_unit", "")
    # A zero without a unit is another thing inside of calc() and, as third value, in flex.
    if token.value == 0 and unit in LENGTHS and top and name != "flex":
        unit = ""
    return f"{token.value:.6g}{unit}"


def _tight(text):
    """Return a value without white space around commas and strokes."""
    return re.sub(r"\s*([,/])\s*", r"\1", text).strip()
