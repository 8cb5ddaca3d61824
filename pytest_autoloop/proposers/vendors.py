"""Where chat models are served: addresses, keys and the names of their environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

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
    prices: str = ""


VENDORS = {
    "openai": Vendor(
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
        "gpt-5",
        prices="openai",
    ),
    "anthropic": Vendor(
        "https://api.anthropic.com/v1",
        ("ANTHROPIC_API_KEY",),
        "ANTHROPIC_BASE_URL",
        "claude-sonnet-4-5",
        path="/v1",
        prices="anthropic",
    ),
    "gemini": Vendor(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "GEMINI_BASE_URL",
        "gemini-2.5-pro",
        prices="google",
    ),
    "ollama": Vendor("http://localhost:11434/v1", (), "OLLAMA_HOST", "qwen3-coder", path="/v1"),
}
#: The key of a server that is named by its address: a vendor's key is sent to no other.
_ADDRESS_KEY = "AUTOLOOP_API_KEY"
#: Environment variables that hold a key: no child process may see them.
SECRETS = (*(key for vendor in VENDORS.values() for key in vendor.keys), _ADDRESS_KEY)


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
    prices: str = ""


def is_chat_spec(spec: str) -> bool:
    """Tell whether a spec names a chat model: ``VENDOR:MODEL`` or ``http://SERVER#MODEL``."""
    kind, colon, _ = spec.partition(":")
    return bool(colon) and kind in {*VENDORS, "http", "https"}


def server_from_spec(spec: str, environ: Mapping[str, str]) -> Server:
    """Return the server that a spec names, with key and address from the environment.

    Raises:
        UsageError: no model, no key, or a key or address that cannot be one.
    """
    if "://" in spec.partition("#")[0]:
        return _server_at(spec, environ)
    kind, _, model = spec.partition(":")
    vendor, model = VENDORS[kind], model.strip()
    if not model:
        raise UsageError(
            f"the proposer '{kind}:' names no model: write {kind}:MODEL, for example "
            f"{kind}:{vendor.example}"
        )
    variable = next((key for key in vendor.keys if environ.get(key, "").strip()), "")
    address = environ.get(vendor.address, "").strip()
    if vendor.keys and not variable and not address:
        raise UsageError(
            f"the proposer {kind}:{model} needs a key: set {vendor.keys[0]}, or {vendor.address} "
            "to the address of a server that needs none"
        )
    return Server(
        name=f"{kind}:{model}",
        model=model,
        base_url=_address_of(vendor, address) if address else vendor.base_url,
        api_key=_checked_key(environ, variable),
        key_variable=vendor.keys[0] if vendor.keys else "",
        address_variable=vendor.address,
        prices=vendor.prices,
    )


def _server_at(spec: str, environ: Mapping[str, str]) -> Server:
    address, _, model = spec.partition("#")
    model = model.strip()
    if not _is_http_address(address) or not model:
        raise UsageError(
            f"the proposer {spec!r} is no address and model: write for example "
            "http://localhost:8000/v1#my-model"
        )
    host = urlsplit(address).netloc.rpartition("@")[2]
    variable = _ADDRESS_KEY if environ.get(_ADDRESS_KEY, "").strip() else ""
    return Server(
        name=f"{host}#{model}",
        model=model,
        base_url=address,
        api_key=_checked_key(environ, variable),
        key_variable=_ADDRESS_KEY,
    )


def _checked_key(environ: Mapping[str, str], variable: str) -> str:
    key = environ.get(variable, "").strip()
    if (key.isascii() and key.isprintable()) or not key:
        return key
    raise UsageError(
        f"{variable} holds characters that no key has (line breaks, accents or quotes that were "
        "pasted): set it again"
    )


def _address_of(vendor: Vendor, address: str) -> str:
    # OLLAMA_HOST is written without a scheme as a rule.
    full = address if "://" in address or vendor.keys else f"http://{address}"
    if not _is_http_address(full):
        raise UsageError(
            f"{vendor.address} is {address!r}, which is no http:// or https:// address: set it to "
            "one, for example http://localhost:11434/v1"
        )
    parts = urlsplit(full)
    path = vendor.path if parts.path in {"", "/"} else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def _is_http_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port  # read for its check: it raises where it is no port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
