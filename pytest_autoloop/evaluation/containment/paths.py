"""Where the interpreter and the system keep what a contained process needs to read.

Looked up once: who forks processes that confine themselves asks before it forks, and each of them
asks again before it runs anything unread.
"""

from __future__ import annotations

import functools
import site
import sys
import sysconfig
from pathlib import Path

#: Programs, libraries and what the C library looks up; nothing below holds a user's secrets, as
#: /etc as a whole may.
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/ca-certificates",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/ld-musl-aarch64.path",
    "/etc/ld-musl-x86_64.path",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/profile",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/shells",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
)
#: The kernel's own files; bubblewrap makes new ones instead.
_KERNEL = ("/proc", "/sys/devices/system", "/sys/fs/cgroup")


@functools.cache
def interpreter_paths() -> tuple[Path, ...]:
    """Return the directories that this interpreter and its packages stand in."""
    names = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    names |= {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    names.add(str(Path(sys.executable).resolve().parent))
    if site.ENABLE_USER_SITE:
        names.add(site.getusersitepackages())
    return _existing(sorted(names))


@functools.cache
def system_paths() -> tuple[Path, ...]:
    """Return what programs of the system read, and the interpreter's own directories."""
    return (*_existing(_SYSTEM), *interpreter_paths())


@functools.cache
def kernel_paths() -> tuple[Path, ...]:
    """Return the kernel's files that describe processes and processors."""
    return _existing(_KERNEL)


def package_path() -> Path:
    """Return the directory that this package is imported from, which may be a checkout."""
    return Path(__file__).resolve().parents[3]


def _existing(names: tuple[str, ...] | list[str]) -> tuple[Path, ...]:
    # A prefix that is the root itself would open everything.
    found = [Path(name) for name in names if Path(name).exists()]
    return tuple(path for path in found if path.resolve() != Path(path.anchor))
