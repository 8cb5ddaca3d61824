"""The filter itself, run by a small machine of our own: for each processor and each call."""

from __future__ import annotations

import errno
import os
import re
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_autoloop.evaluation.containment import seccomp
from pytest_autoloop.evaluation.containment.policy import Policy, Profile
from pytest_autoloop.evaluation.containment.syscalls import FIRST_UNKNOWN, NUMBERS

pytestmark = pytest.mark.skipif(
    not hasattr(os, "getppid") or not Path("/proc/self/stat").exists(), reason="it is for Linux"
)

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSED, ABSENT = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
WORKER, HARNESS = Policy(), Policy(programs=True)


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a kind of processor, for which the filter is made."""
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=request.param))
    return str(request.param)


def verdict(code: bytes, machine: str, name: str | int, *arguments: int) -> int:
    """Return what the filter answers to a call."""
    architecture, column = MACHINES[machine]
    number = NUMBERS[name][column] if isinstance(name, str) else name
    assert number is not None
    given = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack(
        "=IIQ6Q", number & 0xFFFFFFFF, architecture, 0, *(one & 0xFFFFFFFFFFFFFFFF for one in given)
    )
    return run(code, data)


def run(code: bytes, data: bytes) -> int:
    """Run a filter over the data of one call."""
    accumulator, position = 0, 0
    while True:
        kind, true, false, operand = struct.unpack_from("=HBBI", code, 8 * position)
        position += 1
        if kind == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif kind == 0x54:
            accumulator &= operand
        elif kind == 0x06:
            return int(operand)
        else:
            met = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[kind]
            position += true if met else false


def test_other_calls_pass_and_unknown_ones_are_absent(machine: str) -> None:
    """What computes and reads is let through; what a later kernel brings is not there."""
    code = seccomp.assemble(WORKER, "worker")
    named = {numbers[MACHINES[machine][1]] for numbers in NUMBERS.values()}
    free = [number for number in range(FIRST_UNKNOWN) if number not in named]

    assert {verdict(code, machine, number) for number in free} == {ALLOW}
    assert verdict(code, machine, FIRST_UNKNOWN) == ABSENT
    assert verdict(code, machine, 0x40000000) == REFUSED
    assert verdict(code, machine, -1) == REFUSED
    foreign = struct.pack("=IIQ6Q", 0, 0x40000003, 0, *[0] * 6)
    assert run(code, foreign) == KILL


@pytest.mark.parametrize(
    ("profile", "policy", "name", "arguments", "expected"),
    [
        ("worker", WORKER, "execve", (), REFUSED),
        ("harness", HARNESS, "execve", (), ALLOW),
        ("worker", WORKER, "clone", (17,), REFUSED),
        ("worker", WORKER, "clone", (0x3D0F00,), ALLOW),
        ("harness", HARNESS, "clone", (17,), ALLOW),
        ("harness", HARNESS, "clone", (0x10000000 | 17,), REFUSED),
        ("harness", HARNESS, "clone", (0x8000 | 17,), REFUSED),
        ("harness", HARNESS, "clone3", (), ABSENT),
        ("worker", WORKER, "socket", (1,), REFUSED),
        ("harness", HARNESS, "socket", (2,), REFUSED),
        ("harness", Policy(programs=True, network=True), "socket", (2,), ALLOW),
        ("harness", Policy(programs=True, network=True), "socket", (40,), REFUSED),
        ("harness", Policy((), programs=True, boxed=True), "socket", (2,), ALLOW),
        ("harness", Policy(None, programs=True, boxed=True), "socket", (2,), REFUSED),
        ("worker", Policy((), boxed=True), "socket", (2,), REFUSED),
        ("worker", WORKER, "socketpair", (1, 0x80001), ALLOW),
        ("worker", WORKER, "socketpair", (1, 2), REFUSED),
        ("worker", WORKER, "fchmod", (), REFUSED),
        ("harness", HARNESS, "fchmod", (), ALLOW),
        ("harness", HARNESS, "ioctl", (0, 0x5412), REFUSED),
        ("harness", HARNESS, "ioctl", (0, 0x100005412), REFUSED),
        ("harness", HARNESS, "ioctl", (0, 0x8901), REFUSED),
        ("harness", HARNESS, "ioctl", (0, 0x5401), ALLOW),
        ("harness", HARNESS, "fcntl", (0, 8), REFUSED),
        ("harness", HARNESS, "fcntl", (0, 3), ALLOW),
        ("harness", HARNESS, "kill", (-1,), REFUSED),
        ("harness", HARNESS, "kill", (2**31 - 2,), ALLOW),
        ("worker", WORKER, "kill", (2**31 - 2,), REFUSED),
        ("worker", WORKER, "tkill", (2**31 - 2,), REFUSED),
        ("harness", HARNESS, "prlimit64", (0,), ALLOW),
        ("harness", HARNESS, "prlimit64", (1,), REFUSED),
        ("worker", WORKER, "setpriority", (0, 0), ALLOW),
        ("worker", WORKER, "setpriority", (2, 0), REFUSED),
        ("worker", WORKER, "perf_event_open", (0, 0), REFUSED),
        ("worker", Policy(counters=True), "perf_event_open", (0, 0), ALLOW),
        ("worker", Policy(counters=True), "perf_event_open", (0, -1), REFUSED),
    ],
)
def test_arguments_decide(
    *,
    machine: str,
    profile: Profile,
    policy: Policy,
    name: str,
    arguments: tuple[int, ...],
    expected: int,
) -> None:
    """A call that is harmless in one form and not in another is told apart."""
    code = seccomp.assemble(policy, profile)

    assert verdict(code, machine, name, *arguments) == expected


def test_a_process_reaches_itself_alone(machine: str) -> None:
    """A worker may signal itself; a session may signal what is not above it."""
    own, parent = os.getpid(), os.getppid()
    worker = seccomp.assemble(WORKER, "worker")
    harness = seccomp.assemble(HARNESS, "harness")

    for name in ("kill", "tkill", "tgkill"):
        assert verdict(worker, machine, name, own) == ALLOW
        assert verdict(worker, machine, name, parent) == REFUSED
        assert verdict(harness, machine, name, own) == ALLOW
        assert verdict(harness, machine, name, parent) == REFUSED
    assert verdict(harness, machine, "kill", -os.getpgid(parent)) == REFUSED
    assert verdict(harness, machine, "kill", 1) == REFUSED


def test_old_kernels_get_a_filter_for_truncation(machine: str) -> None:
    """Where Landlock does not see it, emptying a file without writing is refused."""
    code = seccomp.assemble(WORKER, "worker", 2)

    assert verdict(code, machine, "truncate") == REFUSED
    assert verdict(code, machine, "openat2") == ABSENT
    assert [verdict(code, machine, "openat", 0, 0, 0x200 | mode) for mode in range(4)] == [
        REFUSED,
        ALLOW,
        ALLOW,
        REFUSED,
    ]
    assert verdict(code, machine, "openat", 0, 0, 0) == ALLOW
    assert verdict(seccomp.assemble(WORKER, "worker", 3), machine, "truncate") == ALLOW


HEADERS = (
    Path(f"/usr/include/{os.uname().machine}-linux-gnu/asm/unistd_64.h")
    if hasattr(os, "uname")
    else Path("absent"),
    Path("/usr/include/asm-generic/unistd.h"),
)


@pytest.mark.skipif(
    not all(path.exists() for path in HEADERS) or os.uname().machine != "x86_64",
    reason="the kernel's headers for x86_64 are not installed",
)
@pytest.mark.parametrize("column", [0, 1])
def test_numbers_are_those_of_the_kernel(column: int) -> None:
    """Every number that the installed headers know is the one in the table."""
    text = HEADERS[column].read_text(encoding="utf-8")
    pairs = re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", text)
    known = {name: int(number) for name, number in reversed(pairs)}
    ours = {name: numbers[column] for name, numbers in NUMBERS.items()}

    assert {n: v for n, v in ours.items() if n in known} == {
        n: known[n] for n in ours if n in known
    }
    # What the headers do not know came later, or is not a call of this processor.
    assert all(v is None or v > max(known.values()) for n, v in ours.items() if n not in known)


def test_what_is_kept_names_no_process(machine: str) -> None:
    """A process that is forked after its parent made a filter is named by its own number."""
    seccomp.assemble(WORKER, "worker")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, seccomp.assemble(WORKER, "worker"))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        code = stream.read()
    os.waitpid(child, 0)

    assert verdict(code, machine, "tgkill", child) == ALLOW
    assert verdict(code, machine, "tgkill", os.getpid()) == REFUSED
    assert verdict(code, machine, "prlimit64", os.getpid()) == REFUSED
