"""What a stylesheet means: which declarations hold, and which of them overrules which.

Two stylesheets mean the same if they declare the same values for the same selectors in the same
media, and if declarations that compete with the same weight stand in the same order. What cannot
be told from the text alone, such as whether two selectors ever match one element, counts as if it
could happen: a change that is right for one page only is refused.
"""

import itertools
import re
from dataclasses import dataclass

import tinycss2
from values import expand, is_understood_by_all

#: At-rules whose rules compete with others, and those whose declarations stand alone.
CONTAINERS = {"media", "supports", "container"}
ALONE = {"font-face", "page"}
#: A property that another one sets, under a different name.
SET_BY = {"line-height": "font"}
#: Properties that look as if a shorter one set them, and are their own.
OWN = re.compile(
    r"border-.*radius|border-(collapse|spacing)|flex-(wrap|direction|flow)|outline-offset"
)


@dataclass(frozen=True)
class Declared:
    """One declaration that holds."""

    #: At-rules around it, outermost first.
    context: tuple
    #: Its selector; all of them, if browsers drop the whole rule because they do not know one.
    selector: str
    name: str
    value: str
    important: bool


@dataclass(frozen=True)
class Meaning:
    """What is compared."""

    declared: frozenset
    #: Pairs of competing declarations, the one that is overruled first.
    order: frozenset
    #: Licences and at-rules without a body, in their order.
    statements: tuple


def meaning(css):
    """Return what a stylesheet (bytes) means; a ValueError names what cannot be understood."""
    rules, _ = tinycss2.parse_stylesheet_bytes(css, skip_whitespace=True)
    found, statements = [], re.findall(rb"(?s)^@charset[^;]*;|/\*!.*?\*/", css)
    _collect(rules, (), found, statements)
    living = _living(found)
    return Meaning(frozenset(living), frozenset(_contests(living)), tuple(statements))


def _collect(rules, context, found, statements):
    """Add declarations and statements of rules, in their order."""
    for rule in rules:
        if rule.type == "qualified-rule":
            for selector in _selectors(rule.prelude):
                found += _declarations(rule, context, selector)
        elif rule.type == "at-rule" and rule.content is None:
            if rule.lower_at_keyword != "charset":
                statements.append(_text([rule]))
        elif rule.type == "at-rule":
            name = rule.lower_at_keyword
            inside = (*context, f"@{name} {_text(rule.prelude)}")
            if name in ALONE:
                # Two faces of one family do not overrule each other.
                inside = (*inside, str(len(statements)))
                statements.append(inside[-2])
                found += _declarations(rule, inside, "")
            elif name in CONTAINERS or name.endswith("keyframes"):
                rules_inside = tinycss2.parse_rule_list(rule.content, skip_whitespace=True)
                _collect(rules_inside, inside, found, statements)
            else:
                message = f"line {rule.source_line}: @{name} is not understood"
                raise ValueError(message)
        elif rule.type != "comment":
            message = f"line {rule.source_line}: {getattr(rule, 'message', rule.type)}"
            raise ValueError(message)


def _declarations(rule, context, selector):
    """Return the declarations of a block, shorthands of four sides expanded."""
    found = []
    for part in tinycss2.parse_blocks_contents(rule.content, skip_comments=True):
        if part.type == "whitespace":
            continue
        if part.type != "declaration":
            message = f"line {part.source_line}: {getattr(part, 'message', part.type)}"
            raise ValueError(message)
        if part.lower_name == "all":
            message = f"line {part.source_line}: the property all is not understood"
            raise ValueError(message)
        for name, value in expand(part.name, part.value):
            found.append(Declared(context, selector, name, value, part.important))
    return found


def _selectors(prelude):
    """Return the selectors of a rule, without differences of layout."""
    found = [[]]
    for token in prelude:
        if token == ",":
            found.append([])
        else:
            found[-1].append(token)
    texts = []
    for tokens in found:
        text = _text(tokens)
        if not re.search("[\"']", text):
            text = re.sub(r"\s*([>+~])\s*", r"\1", text)
        texts.append({"from": "0%", "to": "100%"}.get(text, text))
    if any(re.search(r":-", text) for text in texts):
        # Browsers of other makers drop the whole rule.
        return [",".join(sorted(texts))]
    return texts


def _text(tokens):
    """Return tokens as text, without comments and differences of white space."""
    text = tinycss2.serialize([token for token in tokens if token.type != "comment"]).strip()
    if re.search("[\"']", text):
        return text
    text = re.sub(r"\s*,\s*|(?<=\()\s+|\s+(?=\))", lambda match: match[0].strip(), text)
    # Before the colon of a selector a space means something, in a condition it does not.
    text = re.sub(r"(\([\w-]+)\s*:\s*", r"\1:", text)
    return " ".join(text.split())


def _living(found):
    """Return the declarations that any browser may use: those before a fallback are dead."""
    living, closed = [], set()
    for one in reversed(found):
        place = (one.context, one.selector, one.name, one.important)
        if place in closed or one in living:
            continue
        if is_understood_by_all(one.value):
            closed.add(place)
        living.append(one)
    return living[::-1]


def _contests(living):
    """Yield pairs of declarations that may meet at one element with the same weight."""
    rivals = {}
    for one in living:
        family = SET_BY.get(one.name, one.name)
        if not family.startswith("-"):
            family = family.partition("-")[0]
        rivals.setdefault((one.important, specificity(one.selector), family), []).append(one)
    for group in rivals.values():
        for first, second in itertools.combinations(group, 2):
            same = (first.name, first.value) == (second.name, second.value)
            if not same and _compete(first.name, second.name):
                yield first, second


def _compete(first, second):
    """Tell whether two properties set the same thing: one is the other, or a part of it."""
    if first == second:
        return True
    shorter, longer = sorted((first, second), key=len)
    if longer.startswith(f"{shorter}-"):
        return not OWN.fullmatch(longer) or "radius" in shorter
    return SET_BY.get(first) == second or SET_BY.get(second) == first


def specificity(selector):
    """Return the numbers of names, classes and types in a selector (Selectors Level 4, section 17).

    What `:is()`, `:not()` and `:has()` hold counts as if it stood there, `:where()` counts nothing.
    """
    text = re.sub(r":where\([^()]*\)", "", selector)
    text = re.sub(r":(?:is|not|has)\(([^()]*)\)", r" \1", text)
    text = re.sub(r"\([^()]*\)", "", text)
    text, attributes = re.subn(r"\[[^]]*\]", " ", text)
    text, elements = re.subn(r"::[\w-]+", " ", text)
    text, states = re.subn(r":[\w-]+", " ", text)
    text, names = re.subn(r"#[\w-]+", " ", text)
    text, classes = re.subn(r"\.[\w-]+", " ", text)
    types = len(re.findall(r"[a-zA-Z][\w-]*", text))
    return names, attributes + states + classes, elements + types
