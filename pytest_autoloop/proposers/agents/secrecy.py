"""Takes keys and passwords out of what agents and their programs say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Part of a name, between its underscores or hyphens: APIKEY, MY_PAT_2, auth-header.
_SECRET_PART = re.compile(
    r"PAT|AUTH|\w*(?:KEY|TOKEN|SECRET|PASS|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL)S?", re.IGNORECASE
)
_OPTION = re.compile(r"-{1,2}(?P<name>[A-Za-z][\w.-]*)(?:=(?P<value>.*))?", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\w+\}")
#: What lies between words of an argument that may be secret by themselves; paths are none.
_BETWEEN = re.compile(r"[\s:=,;\"']+")
_MIXED = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]{16,})*")
_USER_INFO = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/?#:@\"']*:)(?P<password>[^\s/?#\"']+)@", re.IGNORECASE
)
#: Shorter values are words, not secrets; hiding them would garble messages.
_SHORTEST = 8
#: What a command line says to be a secret, and what stands in a URL, may be shorter.
_SHORTEST_TOLD = 4
_REDACTED = "[redacted]"


class Censor:
    """Takes the values of keys and passwords out of text that others wrote.

    Args:
        environ: an environment; values of variables with telling names are secret, and passwords
            of URLs in any.
        arguments: a command line without its program; values of options with telling names are
            secret, and whatever looks like a key.

    """

    def __init__(self, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> None:
        found = {
            value.strip()
            for name, value in environ.items()
            if _is_secret(name) and len(value.strip()) >= _SHORTEST
        }
        for text in (*environ.values(), *arguments):
            found.update(_passwords(text))
        found.update(_told(arguments))
        # A secret may be part of another one.
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without them, and without the password of any URL."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return _USER_INFO.sub(rf"\g<before>{_REDACTED}@", text)


def _is_secret(name: str) -> bool:
    return any(_SECRET_PART.fullmatch(part) for part in re.split(r"[_.-]", name))


def _passwords(text: str) -> Iterator[str]:
    for found in _USER_INFO.finditer(text):
        for password in (found["password"], unquote(found["password"])):
            if len(password) >= _SHORTEST_TOLD:
                yield password


def _told(arguments: Sequence[str]) -> Iterator[str]:
    """Yield what is secret in a command line."""
    is_next = False
    for argument in arguments:
        option = _OPTION.fullmatch(argument)
        # A secret may begin with a hyphen, and what follows an option is not always its value.
        value = argument if option is None else option["value"] or (argument if is_next else "")
        if is_next or (option and _is_secret(option["name"])):
            parts = _PLACEHOLDER.split(value)
            yield from (part for part in parts if len(part) >= _SHORTEST_TOLD)
        for word in _BETWEEN.split(_PLACEHOLDER.sub(" ", value)):
            if _MIXED.fullmatch(word):
                yield word
        is_next = option is not None and option["value"] is None and _is_secret(option["name"])
