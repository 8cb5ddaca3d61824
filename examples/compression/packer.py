"""Packs lines of text into an archive in which each block can be unpacked alone.

An archive is a line of JSON (the settings, lengths of dictionary and blocks), the dictionary, and
the blocks. All that a reader needs is inside, and counted.
"""

import json
import lzma
import zlib
from dataclasses import dataclass

import brotli
import yaml
import zstandard

CODECS = ("zlib", "lzma", "brotli", "zstd")
STRATEGIES = ("default", "filtered", "text")
#: What zlib can refer back to.
ZLIB_WINDOW = 15


@dataclass(frozen=True)
class Settings:
    """What `compress.yaml` says."""

    codec: str
    level: int
    window: int
    strategy: str
    lines: int
    dictionary: int


def settings(text):
    """Read settings; a value that no codec knows is a ValueError that names it."""
    found = yaml.safe_load(text)
    names = set(Settings.__annotations__)
    if not isinstance(found, dict) or set(found) != names:
        message = f"the settings must be exactly {', '.join(sorted(names))}"
        raise ValueError(message)
    for name, allowed in (("codec", CODECS), ("strategy", STRATEGIES)):
        if found[name] not in allowed:
            message = f"{name} is {found[name]!r}: write one of {', '.join(allowed)}"
            raise ValueError(message)
    for name, lowest in (("level", 1), ("window", 10), ("lines", 1), ("dictionary", 0)):
        if type(found[name]) is not int or found[name] < lowest:
            message = f"{name} is {found[name]!r}: write a whole number from {lowest} on"
            raise ValueError(message)
    return Settings(**found)


def make_dictionary(chosen, sample):
    """Return the bytes that all blocks may refer to, made from older lines."""
    size = 1024 * chosen.dictionary
    if not size or chosen.codec not in {"zlib", "zstd"}:
        return b""
    if chosen.codec == "zlib":
        return b"".join(sample)[-size:]
    return zstandard.train_dictionary(size, sample).as_bytes()


def compress(chosen, dictionary, block):
    """Compress one block."""
    if chosen.codec == "lzma":
        extreme = lzma.PRESET_EXTREME if chosen.level > 9 else 0
        chain = {"id": lzma.FILTER_LZMA2, "preset": min(chosen.level, 9) | extreme}
        chain["dict_size"] = 1 << max(chosen.window, 12)
        return lzma.compress(block, lzma.FORMAT_RAW, filters=[chain])
    if chosen.codec == "brotli":
        mode = brotli.MODE_TEXT if chosen.strategy == "text" else brotli.MODE_GENERIC
        window = min(chosen.window, 24)
        return brotli.compress(block, mode=mode, quality=min(chosen.level, 11), lgwin=window)
    if chosen.codec == "zstd":
        parameters = zstandard.ZstdCompressionParameters.from_level(
            min(chosen.level, 22), window_log=chosen.window, write_content_size=0
        )
        known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        return zstandard.ZstdCompressor(dict_data=known, compression_params=parameters).compress(
            block
        )
    strategy = zlib.Z_FILTERED if chosen.strategy == "filtered" else zlib.Z_DEFAULT_STRATEGY
    window = -min(chosen.window, ZLIB_WINDOW)
    known = (dictionary,) if dictionary else ()
    machine = zlib.compressobj(min(chosen.level, 9), zlib.DEFLATED, window, 9, strategy, *known)
    return machine.compress(block) + machine.flush()


def decompress(chosen, dictionary, block):
    """Undo `compress`."""
    if chosen.codec == "lzma":
        chain = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << max(chosen.window, 12)}
        return lzma.decompress(block, lzma.FORMAT_RAW, filters=[chain])
    if chosen.codec == "brotli":
        return brotli.decompress(block)
    if chosen.codec == "zstd":
        known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        return zstandard.ZstdDecompressor(dict_data=known).decompressobj().decompress(block)
    known = {"zdict": dictionary} if dictionary else {}
    machine = zlib.decompressobj(-min(chosen.window, ZLIB_WINDOW), **known)
    return machine.decompress(block) + machine.flush()


def pack(text, lines, sample):
    """Return an archive of lines (bytes that end with a newline), made as a text of settings says.

    `sample` has older lines, from which a dictionary is made.
    """
    chosen = settings(text)
    dictionary = make_dictionary(chosen, sample)
    starts = range(0, len(lines), chosen.lines)
    blocks = [
        compress(chosen, dictionary, b"".join(lines[start : start + chosen.lines]))
        for start in starts
    ]
    # The dictionary is stored as small as its own codec makes it.
    stored = compress(chosen, b"", dictionary) if dictionary else b""
    header = {
        "settings": yaml.safe_load(text),
        "dictionary": len(stored),
        "blocks": [len(block) for block in blocks],
    }
    first = json.dumps(header, separators=(",", ":")).encode() + b"\n"
    return first + stored + b"".join(blocks)


def unpack(archive):
    """Return the lines of an archive, from its bytes alone."""
    first, _, rest = archive.partition(b"\n")
    header = json.loads(first)
    chosen = settings(json.dumps(header["settings"]))
    stored, rest = rest[: header["dictionary"]], rest[header["dictionary"] :]
    dictionary = decompress(chosen, b"", stored) if stored else b""
    found = []
    for length in header["blocks"]:
        found.append(decompress(chosen, dictionary, rest[:length]))
        rest = rest[length:]
    return b"".join(found).splitlines(keepends=True)
