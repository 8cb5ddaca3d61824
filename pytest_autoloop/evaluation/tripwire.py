"""The tripwire: an audit hook that turns what the sandbox would merely contain into a rejection.

It is no sandbox: code that means to can get around it. What it sees, it reports with a reason.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

_COMPUTING = """
    __future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc
    colorsys concurrent.futures contextlib copy csv dataclasses datetime decimal difflib enum
    fractions functools graphlib hashlib heapq hmac html html.entities itertools json keyword math
    numbers operator pprint queue random re statistics string stringprep struct textwrap time token
    typing unicodedata uuid zlib zoneinfo
"""
#: Modules of the standard library that only compute.
COMPUTING = frozenset(_COMPUTING.split())

_CHANGES = """
    os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod os.chown os.lchmod
    os.chflags os.utime os.setxattr os.removexattr os.lockf os.mkfifo os.mknod shutil.copyfile
    shutil.copymode shutil.copystat shutil.copytree shutil.move shutil.rmtree shutil.chown
    shutil.make_archive shutil.unpack_archive tempfile.mkdtemp tempfile.mkstemp
"""
#: Events that no computing code raises, and what each one means.
_ALWAYS = {
    "os.exec": "starts a program",
    "os.posix_spawn": "starts a program",
    "os.spawn": "starts a program",
    "os.startfile": "starts a program",
    "os.system": "starts a program",
    "subprocess.Popen": "starts a program",
    "pty.spawn": "starts a program",
    "os.fork": "forks",
    "os.forkpty": "forks",
    "os.kill": "sends a signal",
    "os.killpg": "sends a signal",
    "signal.pthread_kill": "sends a signal",
    "os.putenv": "changes the environment",
    "os.unsetenv": "changes the environment",
    "os.chdir": "changes the working directory",
    "resource.setrlimit": "changes limits of the process",
    "resource.prlimit": "changes limits of a process",
    "mmap.__new__": "maps memory",
    "gc.get_objects": "looks through all objects of the process",
    "gc.get_referrers": "looks through objects of the process",
    "gc.get_referents": "looks through objects of the process",
    "sys._current_frames": "looks at frames of other code",
    "sys._current_exceptions": "looks at frames of other code",
    "sys.addaudithook": "adds an audit hook",
    "builtins.input": "reads from the terminal",
    "builtins.breakpoint": "starts a debugger",
    "code.__new__": "makes code objects",
    **dict.fromkeys(_CHANGES.split(), "changes files"),
}
#: First parts of events, where all that begin so mean the same.
_FAMILIES = {
    "socket": "uses the network",
    "http": "uses the network",
    "urllib": "uses the network",
    "ftplib": "uses the network",
    "imaplib": "uses the network",
    "poplib": "uses the network",
    "smtplib": "uses the network",
    "telnetlib": "uses the network",
    "nntplib": "uses the network",
    "webbrowser": "uses the network",
    "sqlite3": "opens a database",
    "fcntl": "uses descriptors of the process",
    "syslog": "writes to the system's log",
    "winreg": "uses the registry",
    "msvcrt": "uses descriptors of the process",
}
#: Events that mean something only when the target itself raises them, not a library for it.
_BY_TARGET = {
    "exec": "turns text into code",
    "compile": "turns text into code",
    "sys.settrace": "traces the interpreter",
    "sys.setprofile": "traces the interpreter",
    "object.__getattr__": "looks into the interpreter",
    "object.__setattr__": "changes functions or classes of others",
    "object.__delattr__": "changes functions or classes of others",
    "function.__new__": "makes functions from code objects",
    "marshal.loads": "turns bytes into code",
    "marshal.load": "turns bytes into code",
    "pickle.find_class": "unpickles",
}
_LISTING = frozenset(
    {"os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob", "glob.glob/2"}
)
#: Files of the standard library that look at their caller's frame for good reason.
_FRAME_READERS = tuple(
    path.replace("/", os.sep)
    for path in (
        "/collections/__init__.py",
        "/contextlib.py",
        "/dataclasses.py",
        "/enum.py",
        "/logging/__init__.py",
        "/traceback.py",
        "/typing.py",
        "/warnings.py",
    )
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM = (
    "/usr/share/zoneinfo",
    "/usr/lib",
    "/usr/share/locale",
    "/etc/localtime",
    "/proc/cpuinfo",
)
_DEVICES = frozenset({"/dev/null", "/dev/urandom", "/dev/random"})


Judge: TypeAlias = "Callable[[tuple[Any, ...], FrameType], str]"


def arm(
    report: Callable[[str], NoReturn], *, target_path: str, readable: Sequence[str] = ()
) -> None:
    """Watch this process for good, and report the first thing that computing code does not do.

    Call it when everything that may open files has been imported, and before the target is.
    `readable` are files and directories that it may read besides installed packages.
    """
    # Everything the hook needs is bound here: the target may replace what names mean elsewhere.
    judges, families = _judges(_Places(target_path, readable), target_path)
    frame_of, identity, busy = sys._getframe, threading.get_ident, set[int]()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        # Most events are none of these, and each costs the target time.
        judge = judges.get(event) or families.get(event.partition(".")[0])
        if judge is None:
            return
        thread = identity()
        if thread in busy:
            # What the hook itself does.
            return
        busy.add(thread)
        try:
            reason = judge(arguments, frame_of(1))
            if reason:
                report(f"{reason} ({event})")
        finally:
            busy.discard(thread)

    sys.addaudithook(hook)


def _judges(places: _Places, target: str) -> tuple[dict[str, Judge], dict[str, Judge]]:
    """Return what says what is wrong with an event, by its name and by its first part."""

    def always(reason: str) -> Judge:
        return lambda _arguments, _caller: reason

    def by_target(reason: str) -> Judge:
        return lambda _, caller: reason if caller.f_code.co_filename == target else ""

    judges = {event: always(reason) for event, reason in _ALWAYS.items()}
    judges |= {event: by_target(reason) for event, reason in _BY_TARGET.items()}
    judges |= dict.fromkeys(_LISTING, lambda arguments, _: places.listing(arguments))
    judges["open"] = lambda arguments, _: places.opening(arguments)
    judges["sys._getframe"] = lambda _, caller: places.reading_frames(caller)
    families = {family: always(reason) for family, reason in _FAMILIES.items()}
    families["ctypes"] = by_target("uses ctypes")
    return judges, families


class _Places:
    """What may be opened."""

    def __init__(self, target_path: str, readable: Sequence[str]) -> None:
        library = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")}
        packages = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
        real = os.path.realpath
        self._target = target_path
        self._library = tuple({*library, *map(real, library)})
        self._installed = tuple({*self._library, *packages, *map(real, packages)})
        roots = (*self._installed, sys.prefix, sys.base_prefix, *_SYSTEM, *readable)
        self._files = frozenset({target_path, *readable}) | _DEVICES
        self._below = tuple(f"{root}{os.sep}" for root in roots)
        # Bound now, as in `arm`.
        self._join, self._normal, self._exists = os.path.join, os.path.normpath, os.path.lexists
        self._decode, self._here = os.fsdecode, os.getcwd

    def opening(self, arguments: tuple[Any, ...]) -> str:
        """Judge the event `open`: path, mode and flags."""
        path, _, flags = arguments
        if not isinstance(path, str | bytes):
            # A descriptor that is open already.
            return ""
        name = self._absolute(path)
        if flags & _WRITING:
            return "" if name in _DEVICES else "opens a file for writing"
        # The import system asks for files that are not there.
        if self._known(name) or not self._exists(name):
            return ""
        return "reads a file outside of its package"

    def listing(self, arguments: tuple[Any, ...]) -> str:
        """Judge an event that lists a directory: its path comes first."""
        path = arguments[0]
        if not isinstance(path, str | bytes):
            return "" if path is not None else "lists a directory"
        name = self._absolute(path)
        known = self._known(name) or self._known(f"{name}{os.sep}")
        above = any(place.startswith(f"{name}{os.sep}") for place in self._below)
        return "" if known or above else "lists a directory outside of its package"

    def reading_frames(self, caller: FrameType) -> str:
        """Judge the event `sys._getframe`: some libraries look at their caller for good reason."""
        file = caller.f_code.co_filename
        if file.startswith(self._library) and "site-packages" not in file:
            allowed = file.endswith(_FRAME_READERS)
        else:
            allowed = file.startswith((*self._installed, "<frozen "))
        return "" if allowed else "looks at frames of other code"

    def _absolute(self, path: str | bytes) -> str:
        return self._normal(self._join(self._here(), self._decode(path)))

    def _known(self, name: str) -> bool:
        return name in self._files or name.startswith(self._below)
