"""Landlock: which files, ports and processes a process may still reach (Linux)."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.containment import kernel
from pytest_autoloop.evaluation.containment.policy import ContainmentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.evaluation.containment.policy import Policy

# asm-generic/unistd.h; the numbers are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446

# linux/landlock.h
_CREATE_RULESET_VERSION = 1 << 0
_RULE_PATH_BENEATH = 1
_RULE_NET_PORT = 2
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_MAKE_CHAR = 1 << 6
_MAKE_BLOCK = 1 << 11
_TRUNCATE = 1 << 14
_IOCTL_DEV = 1 << 15
_NET_BIND_TCP = 1 << 0
_NET_CONNECT_TCP = 1 << 1
_SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0
_SCOPE_SIGNAL = 1 << 1

#: All rights on files by the ABI that brought the last of them.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_ALL_RIGHTS = (1 << 16) - 1
#: Rights that a rule on a file, not a directory, may name.
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
NETWORK_ABI = 4
#: Before it, files can be emptied without a right.
TRUNCATE_ABI = 3
#: Before it, signals are not confined.
SCOPE_ABI = 6
#: The newest ABI that this module knows how to ask for.
NEWEST_ABI = 7
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
#: Only in a box: otherwise the user's own terminals are among them, to be read and written.
_TERMINALS = ("/dev/ptmx", "/dev/pts", "/dev/tty")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - where the C library puts it


class _Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr."""

    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    """struct landlock_path_beneath_attr; the kernel's is packed, which alters only its end."""

    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    """struct landlock_net_port_attr."""

    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


@functools.cache
def best_abi() -> int:
    """Return the newest Landlock ABI that both the kernel and this module know; 0 for none."""
    if sys.platform != "linux":
        return 0
    try:
        found = kernel.call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0
    return min(found, NEWEST_ABI)


def restrict(policy: Policy, abi: int) -> None:
    """Confine the calling thread, and all it starts, to what the policy allows.

    Descriptors that are open already stay as they are.

    Raises:
        ContainmentError: the kernel refused, or a writable path does not exist.
    """
    rights = _RIGHTS[max(known for known in _RIGHTS if known <= abi)]
    network = 0 if policy.sockets or abi < NETWORK_ABI else _NET_BIND_TCP | _NET_CONNECT_TCP
    scoped = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL if abi >= SCOPE_ABI else 0
    ruleset = _Ruleset(rights, network, scoped)
    # A kernel refuses a structure that is longer than its own, unless the rest is zero.
    size = 8 * (1 + (abi >= NETWORK_ABI) + (abi >= SCOPE_ABI))
    descriptor = -1
    try:
        descriptor = kernel.call(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
        for path, wanted in _optional(policy):
            # What is not there, or out of the user's reach, needs no rule.
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow(descriptor, path, wanted & rights)
        for path in policy.writable:
            _allow(descriptor, path, _writing(policy) & rights)
        if network and policy.programs:
            # Any free port, to listen on.
            port = _NetPort(_NET_BIND_TCP, 0)
            kernel.call(_ADD_RULE, descriptor, _RULE_NET_PORT, ctypes.byref(port), 0)
        kernel.call(_RESTRICT_SELF, descriptor, 0)
    except OSError as error:
        raise ContainmentError(f"Landlock (ABI {abi}) cannot be applied: {error}") from error
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _optional(policy: Policy) -> Iterable[tuple[Path, int]]:
    reading = _READ_FILE | _READ_DIR | (_EXECUTE if policy.programs else 0)
    readable = (Path("/"),) if policy.readable is None else policy.readable
    yield from ((path, reading) for path in readable)
    yield from ((path, _READ_DIR) for path in policy.listable)
    yield from ((Path(name), _READ_FILE | _WRITE_FILE | _TRUNCATE) for name in _DEVICES)
    if policy.boxed and policy.programs:
        terminal = _READ_FILE | _WRITE_FILE | _READ_DIR | _TRUNCATE | _IOCTL_DEV
        yield from ((Path(name), terminal) for name in _TERMINALS)
        yield Path(_SHARED_MEMORY), _writing(policy)


def _writing(policy: Policy) -> int:
    # Device nodes are for no one to make.
    withheld = _MAKE_CHAR | _MAKE_BLOCK | (0 if policy.programs else _EXECUTE)
    return _ALL_RIGHTS & ~withheld


def _allow(ruleset: int, path: Path, wanted: int) -> None:
    # O_PATH needs no right on the file itself; a link is followed to what it names.
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _add(ruleset, opened, wanted)
    except OSError as error:
        # The kernel knows what is a directory, and refuses rights that a file cannot have.
        if error.errno != errno.EINVAL or stat.S_ISDIR(os.fstat(opened).st_mode):
            raise
        _add(ruleset, opened, wanted & _FILE_RIGHTS)
    finally:
        os.close(opened)


def _add(ruleset: int, opened: int, wanted: int) -> None:
    rule = _PathBeneath(wanted, opened)
    kernel.call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
