"""The tripwire: an audit hook that turns what the sandbox would merely contain into a rejection.

It is no sandbox: code that means to can get around it. What it sees, it reports with a reason.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import threading
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMPUTING = """
    __future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc
    colorsys concurrent.futures contextlib copy csv dataclasses datetime decimal difflib enum
    fractions functools graphlib hashlib heapq hmac html html.entities itertools json keyword math
    numbers operator pprint queue random re statistics string stringprep struct textwrap token
    typing unicodedata zlib zoneinfo
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
    "sys.monitoring.register_callback": "traces the interpreter",
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
#: Modules that the target's own import statements must name, where the screen sees them. What they
#: name is imported before the hook is set, so any later import has been hidden.
_FOREIGN_NAMES = """
    _ctypes _posixsubprocess _pytest _socket ctypes faulthandler ftplib http mmap multiprocessing
    pluggy pty pytest pytest_benchmark resource runpy smtplib socket sqlite3 ssl subprocess urllib
    webbrowser
"""
_FOREIGN = frozenset(_FOREIGN_NAMES.split())
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


Judge: TypeAlias = "Callable[[tuple[Any, ...], str], str]"


def arm(
    report: Callable[[str], NoReturn], *, target_path: str, readable: Sequence[str] = ()
) -> None:
    """Watch this process for good, and report the first thing that computing code does not do.

    Call it when everything that may open files has been imported, and before the target is.
    `readable` are files and directories that it may read besides installed packages.
    """
    # Everything the hook needs is bound here and in what these functions return: the target may
    # replace what names mean elsewhere, those of modules, classes and built-ins.
    judges, families = _judges(target_path, readable)
    file_of, identity, looking = _caller(), threading.get_ident, set[int]()
    own_events = frozenset({"object.__getattr__", "sys._getframe"})

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        # Most events are none of these, and each costs the target time.
        judge = judges.get(event) or families.get(event.partition(".")[0])
        if judge is None:
            return
        thread = identity()
        if thread in looking and event in own_events:
            # Looking at frames raises events too. The hook is deaf to these two alone, and only
            # while it looks: a finaliser of the target may run in the middle of it.
            return
        looking.add(thread)
        try:
            file = file_of()
        finally:
            looking.discard(thread)
        reason = judge(arguments, file)
        if reason:
            report(f"{reason} ({event})")

    sys.addaudithook(hook)


def _judges(target: str, readable: Sequence[str]) -> tuple[dict[str, Judge], dict[str, Judge]]:
    """Return what says what is wrong with an event, by its name and by its first part."""
    foreign = _FOREIGN

    def always(reason: str) -> Judge:
        return lambda _arguments, _file: reason

    def by_target(reason: str) -> Judge:
        return lambda _, file: reason if file == target else ""

    def importing(arguments: tuple[Any, ...], file: str) -> str:
        hidden = file == target and arguments[0].partition(".")[0] in foreign
        return f"imports {arguments[0]} without saying so" if hidden else ""

    judges = {event: always(reason) for event, reason in _ALWAYS.items()}
    judges |= {event: by_target(reason) for event, reason in _BY_TARGET.items()}
    opening, listing = _places(target, readable)
    judges |= dict.fromkeys(_LISTING, listing)
    judges |= {"open": opening, "sys._getframe": _frames(target), "import": importing}
    families = {family: always(reason) for family, reason in _FAMILIES.items()}
    families["ctypes"] = by_target("uses ctypes")
    return judges, families


def _places(target: str, readable: Sequence[str]) -> tuple[Judge, Judge]:
    """Return what judges `open`, with path, mode and flags, and what lists a directory."""
    separator = os.sep
    roots = (*_library(), *_packages(), sys.prefix, sys.base_prefix, *readable)
    packages = tuple(f"{root}{separator}" for root in roots)
    below = (*packages, *(f"{root}{separator}" for root in _SYSTEM))
    devices, writing = _DEVICES, _WRITING
    files = frozenset({target, *readable}) | devices
    absolute, status, of_class, number = _absolute(), os.lstat, isinstance, int
    failures = (OSError, ValueError)

    def opening(arguments: tuple[Any, ...], _file: str) -> str:
        path, _, flags = arguments
        if of_class(path, number):
            # A descriptor that is open already.
            return ""
        name = absolute(path)
        if flags & writing:
            return "" if name in devices else "opens a file for writing"
        if name in files or name.startswith(below):
            return ""
        try:
            status(name)
        except failures:
            # The import system asks for files that are not there.
            return ""
        return "reads a file outside of its package"

    def listing(arguments: tuple[Any, ...], _file: str) -> str:
        path = arguments[0]
        if path is None or of_class(path, number):
            return "lists a directory"
        inside = f"{absolute(path)}{separator}"
        # The import system lists what is above packages, too.
        fine = inside.startswith(below) or any_of(root.startswith(inside) for root in packages)
        return "" if fine else f"lists a directory outside of its package: {inside}"

    any_of = any
    return opening, listing


def _absolute() -> Callable[[Any], str]:
    """Return what makes a path absolute, without links; the library's own way can be replaced."""
    if os.name != "posix":
        join, normal, decode, current = os.path.join, os.path.normpath, os.fsdecode, os.getcwd
        return lambda path: normal(join(current(), decode(path)))
    here, as_text, of_class, octets = os.getcwd, os.fspath, isinstance, bytes

    def absolute(path: Any) -> str:  # noqa: ANN401 - events carry paths as they were given
        text = as_text(path)
        if of_class(text, octets):
            text = text.decode("utf-8", "surrogateescape")
        parts: list[str] = []
        for part in (text if text.startswith("/") else f"{here()}/{text}").split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in {"", "."}:
                parts.append(part)
        return "/" + "/".join(parts)

    return absolute


def _caller() -> Callable[[], str]:
    """Return what tells the file whose code raised an event; ctypes raises its own for others."""
    frame_of = sys._getframe
    within = tuple(f"{root}{os.sep}ctypes{os.sep}" for root in _library())

    def caller() -> str:
        frame = frame_of(2)
        file = frame.f_code.co_filename
        while file.startswith(within) and frame.f_back is not None:
            frame = frame.f_back
            file = frame.f_code.co_filename
        return file

    return caller


def _frames(target: str) -> Judge:
    """Return what judges looking at frames: some libraries look at theirs for good reason."""
    library, readers = _library(), _FRAME_READERS

    def reading(_arguments: tuple[Any, ...], file: str) -> str:
        if file.startswith(library) and "site-packages" not in file:
            allowed = file.endswith(readers)
        else:
            allowed = file != target
        return "" if allowed else "looks at frames of other code"

    return reading


@functools.cache
def _library() -> tuple[str, ...]:
    return _with_links({sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")})


@functools.cache
def _packages() -> tuple[str, ...]:
    return _with_links({sysconfig.get_path(kind) for kind in ("purelib", "platlib")})


def _with_links(paths: set[str]) -> tuple[str, ...]:
    """Return paths as they are written, and as they are without symbolic links."""
    return tuple(paths | {os.path.realpath(path) for path in paths})
