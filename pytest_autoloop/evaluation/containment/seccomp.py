"""A seccomp filter: which system calls a process may still make (Linux, x86_64 and aarch64)."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.evaluation.containment import kernel, landlock
from pytest_autoloop.evaluation.containment.policy import ContainmentError
from pytest_autoloop.evaluation.containment.syscalls import FIRST_UNKNOWN, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pytest_autoloop.evaluation.containment.policy import Policy, Profile

#: struct sock_filter of linux/filter.h: code, jump if true, jump if false, operand.
_INSTRUCTION = struct.Struct("=HBBI")
Instruction: TypeAlias = tuple[int, int, int, int]

# linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_{JEQ,JGE,JSET}|BPF_K, BPF_RET|BPF_K
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_AND = 0x54  # BPF_ALU|BPF_AND|BPF_K

# linux/seccomp.h: SECCOMP_*
_SET_MODE_FILTER, _GET_ACTION_AVAIL = 1, 2
#: SECCOMP_FILTER_FLAG_TSYNC: all threads.
_FLAG_TSYNC = 1 << 0
#: SECCOMP_FILTER_FLAG_SPEC_ALLOW: older kernels would slow down the code that is to be measured.
_FLAG_SPEC_ALLOW = 1 << 2
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000

PASS: Instruction = (_RETURN, 0, 0, _ALLOW)
REFUSE: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
ABSENT: Instruction = (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)

#: os.uname().machine to AUDIT_ARCH_* of linux/audit.h and the column of the table.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
#: asm/unistd.h: __X32_SYSCALL_BIT, a second set of the same calls on x86_64.
_X32 = 0x40000000

# sys/socket.h
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
#: SOCK_STREAM and SOCK_SEQPACKET with each of SOCK_NONBLOCK and SOCK_CLOEXEC. Not SOCK_DGRAM: one
#: end of such a pair can be connected anew, to a socket of the file system.
_STREAMS = tuple(1 | flags for flags in (0, 0x800, 0x80000, 0x80800))
_IPPROTO_TCP, _MSG_FASTOPEN = 6, 0x20000000
_PAIRED = tuple(kind | flags for kind in (1, 5) for flags in (0, 0x800, 0x80000, 0x80800))
# linux/sched.h
_CLONE_THREAD = 0x00010000
#: CLONE_NEW* and CLONE_PARENT: namespaces, and a child that would not stand below its maker.
_CLONE_REFUSED = 0x7E020000 | 0x00008000
#: asm-generic/ioctls.h: TIOCSTI and TIOCLINUX type into a terminal; asm-generic/sockios.h:
#: FIOSETOWN and SIOCSPGRP have the kernel send signals.
_COMMANDS = (0x5412, 0x541C, 0x8901, 0x8902)
#: linux/fcntl.h: F_SETOWN, F_SETSIG, F_SETOWN_EX have the kernel send signals.
_SIGNALLING = (8, 10, 15)
_IOPRIO_WHO_PROCESS = 1  # linux/ioprio.h
# asm-generic/fcntl.h
_O_WRONLY, _O_RDWR, _O_ACCMODE, _O_TRUNC = 1, 2, 3, 0x200


def _words(text: str) -> list[str]:
    return text.split()


#: Other processes' memory, mounts and namespaces, kernel interfaces with a history of holes, and
#: the clock and name of the machine.
_REFUSED = _words(
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd "
    "pidfd_send_signal "
    "mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick "
    "mount_setattr open_tree_attr unshare setns open_by_handle_at name_to_handle_at "
    "bpf add_key request_key keyctl userfaultfd io_uring_setup io_uring_enter io_uring_register "
    "fanotify_init quotactl quotactl_fd syslog acct swapon swapoff reboot kexec_load "
    "kexec_file_load init_module finit_module delete_module iopl ioperm modify_ldt "
    "settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname vhangup"
)
#: Changes to a file that Landlock does not see, and memory and queues that outlive a process.
_REFUSED_TO_WORKERS = _words(
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat "
    "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat "
    "file_setattr mknod mknodat shmget shmat msgget semget mq_open"
)
#: Calls that change how a process runs, by the position of its number.
_ABOUT_A_PROCESS = {
    "prlimit64": 0,
    "sched_setscheduler": 0,
    "sched_setparam": 0,
    "sched_setattr": 0,
    "sched_setaffinity": 0,
    "migrate_pages": 0,
    "move_pages": 0,
}


#: musl sends what a thread sends to itself by tkill.
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


@functools.cache
def available() -> bool:
    """Return whether the kernel takes a filter and this module knows the machine's calls."""
    if sys.platform != "linux" or _machine() not in _MACHINES:
        return False
    action = ctypes.c_uint32(_ERRNO)
    try:
        kernel.call(_number("seccomp"), _GET_ACTION_AVAIL, 0, ctypes.byref(action))
    except OSError:
        return False
    return True


def restrict(policy: Policy, profile: Profile, abi: int = landlock.NEWEST_ABI) -> None:
    """Confine all threads of the calling process, and all it starts, to what the policy allows.

    `abi` is Landlock's: the filter closes what an old one leaves open.

    Raises:
        ContainmentError: the kernel refused.
    """
    code = assemble(policy, profile, abi)
    program = _Program(len(code) // 8, code)
    flags = _FLAG_TSYNC | _FLAG_SPEC_ALLOW
    try:
        kernel.call(_number("seccomp"), _SET_MODE_FILTER, flags, ctypes.byref(program))
    except OSError as error:
        raise ContainmentError(f"the seccomp filter cannot be applied: {error}") from error


def assemble(policy: Policy, profile: Profile, abi: int = landlock.NEWEST_ABI) -> bytes:
    """Return the filter for the calling process: it tells this process from others by number."""
    machine = _machine()
    fixed = _fixed(
        machine, profile, abi, policy.sockets, programs=policy.programs, counters=policy.counters
    )
    return fixed + _assembled([*_coded(_own_rules(policy), machine), PASS])


@functools.cache
def _fixed(
    machine: str, profile: Profile, abi: int, sockets: bool, *, programs: bool, counters: bool
) -> bytes:
    """Return the part of a filter that is the same for every process."""
    architecture, _ = _MACHINES[machine]
    begin: list[Instruction] = [
        # Offsets of struct seccomp_data in linux/seccomp.h: 4 is the architecture, 0 the number.
        (_LOAD, 0, 0, 4),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, 0),
        (_IF_AT_LEAST, 0, 1, _X32),
        REFUSE,
        (_IF_AT_LEAST, 0, 1, FIRST_UNKNOWN),
        ABSENT,
    ]
    rules: dict[str, list[Instruction]] = {name: [REFUSE] for name in _REFUSED}
    if profile == "worker":
        rules |= {name: [REFUSE] for name in _REFUSED_TO_WORKERS}
    if not counters:
        rules["perf_event_open"] = [REFUSE]
    rules["ioctl"] = _never(1, _COMMANDS)
    rules["fcntl"] = _never(1, _SIGNALLING)
    # The C library then falls back to clone, whose flags a filter can read.
    rules["clone3"] = [ABSENT]
    if abi < landlock.TRUNCATE_ABI:
        rules |= _truncation()
    if programs:
        rules["clone"] = _without_bits(_CLONE_REFUSED)
    else:
        rules |= {name: [REFUSE] for name in ("execve", "execveat", "fork", "vfork")}
        rules["clone"] = _with_bits(_CLONE_THREAD)
    rules |= _network(abi, sockets=sockets, programs=programs)
    return _assembled([*begin, *_coded(rules, machine)])


def _coded(rules: Mapping[str, list[Instruction]], machine: str) -> Iterable[Instruction]:
    _, column = _MACHINES[machine]
    for name, body in rules.items():
        number = NUMBERS[name][column]
        if number is not None:
            # Each body ends in a verdict, so what follows still has the number loaded.
            yield (_IF_EQUAL, 0, len(body), number)
            yield from body


def _assembled(code: Iterable[Instruction]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)


def _own_rules(policy: Policy) -> dict[str, list[Instruction]]:
    """Return the rules that name processes by their numbers: other ones in each process."""
    own = os.getpid()
    rules = {name: _only((at, (0, own))) for name, at in _ABOUT_A_PROCESS.items()}
    rules["setpriority"] = _only((0, (os.PRIO_PROCESS,)), (1, (0, own)))
    rules["ioprio_set"] = _only((0, (_IOPRIO_WHO_PROCESS,)), (1, (0, own)))
    if policy.counters:
        rules["perf_event_open"] = _only((1, (0, own)))
    # A descendant has another number and signals its own children, so only numbers that it must
    # not touch can be named; all others outside are Landlock's to refuse.
    signals = _never(0, _ancestors()) if policy.programs else _only((0, (own,)))
    return rules | dict.fromkeys(_SIGNALS, signals)


def _truncation() -> dict[str, list[Instruction]]:
    """Refuse to empty a file without the right to write, which an old Landlock lets pass."""
    rules = {"open": _truncating(1), "openat": _truncating(2), "truncate": [REFUSE]}
    # Its flags stand in memory, which a filter does not see; programs fall back to openat.
    return rules | {"openat2": [ABSENT]}


def _truncating(position: int) -> list[Instruction]:
    return [
        _argument(position),
        (_IF_ANY_BIT, 1, 0, _O_TRUNC),
        PASS,
        (_AND, 0, 0, _O_ACCMODE),
        (_IF_EQUAL, 2, 0, _O_WRONLY),
        (_IF_EQUAL, 1, 0, _O_RDWR),
        REFUSE,
        PASS,
    ]


def _network(abi: int, *, sockets: bool, programs: bool) -> dict[str, list[Instruction]]:
    if sockets:
        return {"socket": _only((0, (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK)))}
    # asyncio and multiprocessing talk to themselves over such pairs.
    rules = {"socketpair": _only((0, (_AF_UNIX,)), (1, _PAIRED))}
    if not programs or abi < landlock.NETWORK_ABI:
        return rules | {name: [REFUSE] for name in ("socket", "connect", "bind", "listen")}
    # Plugins of pytest listen as soon as they are loaded. Landlock refuses to connect, and to bind
    # to a port of one's choice; data in the first packet of a connection would pass it by.
    tcp = _only((0, (_AF_INET, _AF_INET6)), (1, _STREAMS), (2, (0, _IPPROTO_TCP)))
    places = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
    fast = {name: _without_bits(_MSG_FASTOPEN, at) for name, at in places.items()}
    return rules | {"socket": tcp} | fast


def _ancestors() -> list[int]:
    """Return what `kill` could be given to reach a process above this one."""
    numbers, groups, number = [-1], set(), os.getppid()
    while number > 0:
        numbers.append(number)
        with suppress(OSError):
            groups.add(os.getpgid(number))
        try:
            fields = Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()
            number = int(fields[1])
        except (OSError, IndexError, ValueError):
            break
    # 0 names the caller's own group, which may be its parent's too.
    own_group = [0] if os.getpgrp() in groups else []
    return [*numbers, *own_group, *(-group for group in groups if group > 1)]


def _only(*conditions: tuple[int, Collection[int]]) -> list[Instruction]:
    """Pass a call if each named argument has one of its values."""
    code: list[Instruction] = []
    for argument, values in conditions:
        code += [_argument(argument), *_jumps(values), REFUSE]
    return [*code, PASS]


def _never(argument: int, values: Collection[int]) -> list[Instruction]:
    """Pass a call unless the argument has one of the values."""
    return [_argument(argument), *_jumps(values), PASS, REFUSE]


def _with_bits(bits: int) -> list[Instruction]:
    return [_argument(0), (_IF_ANY_BIT, 1, 0, bits), REFUSE, PASS]


def _without_bits(bits: int, position: int = 0) -> list[Instruction]:
    return [_argument(position), (_IF_ANY_BIT, 1, 0, bits), PASS, REFUSE]


def _argument(position: int) -> Instruction:
    # The lower half: the kernel takes process numbers, families, commands and flags as 32 bits.
    return (_LOAD, 0, 0, 16 + 8 * position)


def _jumps(values: Collection[int]) -> Iterable[Instruction]:
    """Jump over the one instruction that follows, if any value is met."""
    left = len(values)
    for value in values:
        yield (_IF_EQUAL, left, 0, value & 0xFFFFFFFF)
        left -= 1


def _machine() -> str:
    # A 32-bit interpreter on a 64-bit kernel makes other calls.
    return os.uname().machine if sys.maxsize > 2**32 else ""


def _number(name: str) -> int:
    number = NUMBERS[name][_MACHINES[_machine()][1]]
    assert number is not None
    return number
