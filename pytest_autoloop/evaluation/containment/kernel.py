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

#: What a kernel, or a container's own filter, answers for a call that it does not offer.
ABSENT = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL})


@functools.cache
def library() -> Any:  # noqa: ANN401 - ctypes types its functions by use
    """Return the C library that this process runs on."""
    return ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: Any) -> int:  # noqa: ANN401 - whatever ctypes can pass
    """Make a system call.

    Raises:
        OSError: the kernel refused.
    """
    function = library().syscall
    function.restype = ctypes.c_long
    # A plain int is passed as 32 bits, the upper half of the register undefined.
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = function(ctypes.c_long(number), *wide)
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
