"""Where chat models are served: addresses, keys and the names of their environment variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus, urlsplit, urlunsplit

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Vendor:
    """One kind of server; all of them speak OpenAI's protocol."""

    base_url: str
    #: Environment variables that hold a key, the first that is set counts; and an address.
    keys: tuple[str, ...]
    address: str
    example: str
    #: Path that is added to an address without one.
    path: str = ""
    #: Name in the source of prices; empty where nobody knows a price.
    price_provider: str = ""


VENDORS = {
    "openai": Vendor(
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
        "gpt-5",
        price_provider="openai",
    ),
    "anthropic": Vendor(
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY",),
        "ANTHROPIC_BASE_URL",
        "claude-sonnet-4-5",
        path="/v1",
        price_provider="anthropic",
    ),
    "gemini": Vendor(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "GEMINI_BASE_URL",
        "gemini-2.5-pro",
        price_provider="google",
    ),
    "ollama": Vendor("http://localhost:11434/v1", (), "OLLAMA_HOST", "qwen3-coder", path="/v1"),
}
KINDS = tuple(VENDORS)
#: The key of a server that is named by its address.
_ADDRESS_KEY = "AUTOLOOP_API_KEY"
#: Keys that coding agents look for.
_AGENT_KEYS = ("ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CODEX_API_KEY")
#: Environment variables that hold a key: no child process may see them, no message shows them.
SECRETS: tuple[str, ...] = (
    *(key for vendor in VENDORS.values() for key in vendor.keys),
    _ADDRESS_KEY,
    *_AGENT_KEYS,
)
_OLLAMA_PORT = 11434


@dataclass(frozen=True, slots=True)
class Server:
    """A model and where it is served."""

    #: Name in journal and commits; without user name, password and query of an address.
    name: str
    model: str
    base_url: str
    api_key: str = ""
    #: Environment variables that a message may name; empty where there is none.
    key_variable: str = ""
    address_variable: str = ""
    #: Whose prices count, in the source of prices; empty where only the address may tell.
    price_provider: str = ""


def is_chat_spec(spec: str) -> bool:
    """Tell whether a spec names a chat model: ``VENDOR:MODEL`` or ``http://SERVER#MODEL``."""
    kind, colon, _ = spec.partition(":")
    return bool(colon) and kind in {*VENDORS, "http", "https"}


def server_from_spec(spec: str, environ: Mapping[str, str]) -> Server:
    """Return the server that a spec names, with key and address from the environment.

    Raises:
        UsageError: no model, no key, or a key or address that cannot be one.
    """
    kind, _, model = spec.partition(":")
    if kind not in VENDORS:
        return _server_at(spec, environ)
    vendor, model = VENDORS[kind], model.strip()
    if not model or not model.isprintable():
        raise UsageError(
            f"the proposer {spec!r} names no model: write {kind}:MODEL, for example "
            f"{kind}:{vendor.example}"
        )
    variable = next((key for key in vendor.keys if environ.get(key, "").strip()), "")
    address = environ.get(vendor.address, "").strip()
    if vendor.keys and not variable and not address:
        raise UsageError(
            f"the proposer {kind}:{model} needs a key: set {vendor.keys[0]}, or {vendor.address} "
            "to the address of a server that needs none"
        )
    base_url = _address_of(vendor, address) if address else vendor.base_url
    at_home = urlsplit(base_url).hostname == urlsplit(vendor.base_url).hostname
    return Server(
        name=f"{kind}:{model}",
        model=model,
        base_url=base_url,
        api_key=_checked_key(environ, variable),
        key_variable=variable or next(iter(vendor.keys), ""),
        address_variable=vendor.address,
        # Whoever serves the model elsewhere has prices of his own.
        price_provider=vendor.price_provider if at_home else "",
    )


def without_secrets(address: str) -> str:
    """Return an address without user name, password, query and fragment."""
    return re.sub(r"//[^/?#]*@", "//", re.split(r"[?#]", address, maxsplit=1)[0])


def secrets_of(address: str) -> set[str]:
    """Return user name, password and the query's values, as they are written and meant."""
    parts = urlsplit(address)
    written = {parts.username or "", parts.password or ""}
    written |= {pair.partition("=")[2] for pair in re.split("[&;]", parts.query)}
    return {*written, *map(unquote, written), *map(unquote_plus, written)}


def _server_at(spec: str, environ: Mapping[str, str]) -> Server:
    address, _, model = (part.strip() for part in spec.partition("#"))
    if not _is_http_address(address) or not model or not model.isprintable():
        shown = without_secrets(address) + (f"#{model}" if model else "")
        raise UsageError(
            f"the proposer {shown!r} is no address and model: write for example "
            "http://localhost:8000/v1#my-model"
        )
    host = urlsplit(address).netloc.rpartition("@")[2]
    return Server(
        name=f"{host}#{model}",
        model=model,
        base_url=address,
        # A vendor's key is its user's secret: a server that is none of the vendor's never gets it.
        api_key=_checked_key(environ, _ADDRESS_KEY),
        key_variable=_ADDRESS_KEY,
    )


def _checked_key(environ: Mapping[str, str], variable: str) -> str:
    key = environ.get(variable, "").strip()
    if key.isascii() and key.isprintable():
        return key
    raise UsageError(
        f"{variable} holds characters that no key has (line breaks, accents or quotes that were "
        "pasted): set it again"
    )


def _address_of(vendor: Vendor, address: str) -> str:
    full = address if vendor.keys else _ollama_address(address)
    if not _is_http_address(full):
        raise UsageError(
            f"{vendor.address} is {without_secrets(address)!r}, which is no http:// or https:// "
            "address: set it to one, for example http://localhost:11434/v1"
        )
    parts = urlsplit(full)
    path = vendor.path if parts.path in {"", "/"} else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _ollama_address(address: str) -> str:
    """Return OLLAMA_HOST as an address: as a rule it is ``host`` or ``host:port`` alone."""
    if "://" in address:
        return address
    host, slash, path = address.partition("/")
    host = f"localhost{host}" if host.startswith(":") else host
    has_port = re.search(r":\d+$", host.rpartition("]")[2])
    return f"http://{host}{'' if has_port else f':{_OLLAMA_PORT}'}{slash}{path}"


def _is_http_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port  # read for its check: it raises where it is no port
    except ValueError:
        return False
    plain = address.isprintable() and " " not in address
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and plain
