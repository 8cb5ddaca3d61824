"""Calls to the Linux kernel for which the standard library has no function."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from typing import Any

from pytest_autoloop.evaluation.containment.policy import ContainmentError

# linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

#: Every system call has room for so many.
_ARGUMENTS = 6
#: What a kernel, or a container's own filter, answers for a call that it does not offer.
ABSENT = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL})


@functools.cache
def library() -> Any:  # noqa: ANN401 - ctypes types its functions by use
    """Return the C library that this process runs on."""
    return ctypes.CDLL(None, use_errno=True)


@functools.cache
def _syscall() -> Any:  # noqa: ANN401 - as above
    function = library()["syscall"]
    function.restype = ctypes.c_long
    # Typed once: a plain int would be passed as 32 bits, the upper half of the register undefined.
    function.argtypes = (ctypes.c_long, *[ctypes.c_void_p] * _ARGUMENTS)
    return function


def call(number: int, *arguments: Any) -> int:  # noqa: ANN401 - whatever ctypes can pass
    """Make a system call.

    Raises:
        OSError: the kernel refused.
    """
    # What is not asked for the kernel does not look at.
    result: int = _syscall()(number, *arguments, *[None] * (_ARGUMENTS - len(arguments)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def control(option: int, value: int, what: str) -> None:
    """Set one attribute of the calling process.

    Raises:
        ContainmentError: the kernel refused.
    """
    arguments = [ctypes.c_ulong(one) for one in (value, 0, 0, 0)]
    if library().prctl(ctypes.c_int(option), *arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise ContainmentError(f"{what} is not possible here: {reason}; use another launcher")


def forbid_new_privileges() -> None:
    """Let no program that this process starts gain rights, as setuid programs do.

    Raises:
        ContainmentError: the kernel refused.
    """
    control(PR_SET_NO_NEW_PRIVS, 1, "giving up new privileges")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends.

    Raises:
        ContainmentError: the kernel refused.
    """
    control(PR_SET_CHILD_SUBREAPER, 1, "adopting orphaned processes")
