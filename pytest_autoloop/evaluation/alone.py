"""Who may use the machine: one timed pair alone, or any number of guards, over all campaigns.

Two locked files, the same for every user and project of the machine. `quiet` holds the room
exclusively and `busy` shares it. Both come in through a turnstile, which one who waits for quiet
keeps shut: else guards that follow one another without a gap would keep a measurer out for ever.

The files stand in ``/tmp``: it is there on every POSIX system, everybody may make a file in it, it
is on a local disk, and unlike `tempfile.gettempdir` it is the same for everybody. ``/var/lock`` is
root's on some systems and missing on others; ``/dev/shm`` is open to candidates in their sandbox,
and whoever can open a file can lock it. The environment variable ``AUTOLOOP_LOCKS`` names another
directory, such as one that containers share; empty, nobody is waited for.

The files are empty and only ever opened for reading, which is all that a lock takes: a file of
another user may be locked although ``fs.protected_regular`` forbids to open it for writing with
O_CREAT, and a link or a pipe that somebody has put there is neither followed nor waited for. The
kernel lets go when the owner ends, in whatever way.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows has no lock that can be shared: there campaigns do not wait
    fcntl = None  # type: ignore[assignment]

#: Not the user's TMPDIR: all have to find the same files.
_PLACE = "/tmp"  # noqa: S108 - see above: opened for reading, never through a link
VARIABLE = "AUTOLOOP_LOCKS"
_ROOM = "pytest-autoloop-room"
_TURNSTILE = "pytest-autoloop-turnstile"
#: Seconds after which somebody who neither measures nor guards is taken to hold a lock.
_PATIENCE = 3600.0
_READ = os.O_RDONLY
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
    _READ |= getattr(os, _flag, 0)
_EVERYBODY_READS = 0o444
#: A file that is removed again and again while it is being locked is not worth another attempt.
_ATTEMPTS = 10

_told = threading.Event()
#: Files whose lock was waited for in vain: by a stopped process or another user, it may be held for
#: ever. Until it has been had once more nobody waits for it, or each pair would take that long.
_given_up: set[Path] = set()


@contextmanager
def quiet() -> Iterator[float]:
    """Have the machine alone; yields the seconds that this took to come about.

    Nothing nests: who holds `busy` or `quiet` must not ask for either in the same thread.
    """
    with _room(exclusive=True) as waited:
        yield waited


@contextmanager
def busy() -> Iterator[float]:
    """Use the machine beside others, but not beside a measurement; yields the seconds waited."""
    with _room(exclusive=False) as waited:
        yield waited


@contextmanager
def _room(*, exclusive: bool) -> Iterator[float]:
    place = os.environ.get(VARIABLE, _PLACE)
    if fcntl is None or not place:
        yield 0.0
        return
    started = time.monotonic()
    turnstile = room = None
    try:
        try:
            turnstile = _hold(Path(place, _TURNSTILE), exclusive=exclusive)
            room = _hold(Path(place, _ROOM), exclusive=exclusive)
        except OSError as error:
            _tell(f"{error.filename or place}: {error.strerror or error}")
        # Whoever comes next may now wait for the room itself.
        _let_go(turnstile)
        turnstile = None
        yield time.monotonic() - started
    finally:
        _let_go(turnstile)
        _let_go(room)


def _hold(path: Path, *, exclusive: bool) -> int:
    """Return a descriptor that holds a lock until it is closed.

    Each has its own: locks belong to what `open` returned, so threads exclude each other as well.

    Raises:
        OSError: the file cannot be used, or is held for longer than anything takes.
    """
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    for _ in range(_ATTEMPTS):
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if path in _given_up:
                os.close(descriptor)
                raise TimeoutError(0, "still held by somebody", str(path)) from None
            _wait(descriptor, kind, path)
        except BaseException:
            os.close(descriptor)
            raise
        # What tidies up the directory may have removed the file, and somebody made another.
        if _stands(path, descriptor):
            _given_up.discard(path)
            return descriptor
        os.close(descriptor)
    raise OSError(0, "it is removed again and again", str(path))


def _wait(descriptor: int, kind: int, path: Path) -> None:
    """Wait for a lock in a thread, so that an interrupt gets out at once, and patience can end.

    Without polling, which would disturb the measurement that is waited for. The descriptor is
    closed unless this returns.
    """
    held, deciding = threading.Event(), threading.Lock()
    abandoned = False

    def wait() -> None:
        with suppress(OSError):
            fcntl.flock(descriptor, kind)
        with deciding:
            if abandoned:
                os.close(descriptor)
            held.set()

    thread = threading.Thread(target=wait, name="pytest-autoloop-alone", daemon=True)
    returned = False
    try:
        thread.start()  # which can be interrupted as well
        returned = held.wait(_PATIENCE)
    finally:
        with deciding:
            # Neither an interrupt nor the end of patience leaves it to nobody.
            abandoned = not returned
            if abandoned and held.is_set():
                os.close(descriptor)
    if not returned:
        _given_up.add(path)
        raise TimeoutError(0, f"held by somebody for {_PATIENCE:.0f} s", str(path))


def _open(path: Path) -> int:
    """Open the file that everybody uses, else one of this user's own.

    Raises:
        OSError: neither can be used.
    """
    try:
        return _opened(path)
    except OSError:
        # Somebody has put something else there: the user's own campaigns are told apart still.
        return _opened(_own(path))


def _own(path: Path) -> Path:
    return path.with_name(f"{path.name}-{os.getuid()}")


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        try:
            descriptor = os.open(path, _READ | os.O_CREAT | os.O_EXCL, _EVERYBODY_READS)
        except FileExistsError:  # another session, in this instant
            descriptor = os.open(path, _READ)
        else:
            # The user's umask is about the user's files.
            os.fchmod(descriptor, _EVERYBODY_READS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(0, "it is no regular file", str(path))


def _stands(path: Path, descriptor: int) -> bool:
    mine = os.fstat(descriptor)
    for one in (path, _own(path)):
        with suppress(OSError):
            found = one.lstat()
            if (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino):
                return True
    return False


def _let_go(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _tell(why: str) -> None:
    """Say once that campaigns may now disturb one another: their statistics can bear it."""
    if _told.is_set():
        return
    _told.set()
    message = (
        f"other campaigns on this machine cannot be waited for ({why}), so measurements may be "
        "noisier; remove what stands there, then start again"
    )
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    except RuntimeWarning:  # who makes errors of warnings means those of the tests
        sys.stderr.write(f"{message}\n")
