"""What the Linux kernel can forbid a process: files by Landlock, system calls by seccomp. Neither can be undone.

Both work without privileges, as a user and as root. The child finds this module without nnlite.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable
from typing import Any

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_DUMPABLE = 38, 22, 4

# Landlock's system calls have these numbers on all CPUs. Rights: linux/landlock.h.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
READ_FILE, READ_DIRECTORY = 1 << 2, 1 << 3
RIGHTS_OF_FILES = (13, 14, 15, 15, 16, 16)  # how many each version knows

# System calls: (x86-64, AArch64), None where there is none. linux/unistd.h.
FORBIDDEN = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "socket": (41, 198),
    "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "kill": (62, 129), "tkill": (200, 130),
    "tgkill": (234, 131), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "setsid": (112, 157), "setpgid": (109, 154), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "io_uring_setup": (425, 425), "bpf": (321, 280), "keyctl": (250, 219),
    "perf_event_open": (298, 241), "shmget": (29, 194), "memfd_create": (319, 279), "setpriority": (141, 140),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None), "fchownat": (260, 54),
    "utimensat": (280, 88), "setrlimit": (160, 164), "fchown": (93, 55), "lchown": (94, None),
    "fchmodat2": (452, 452), "utime": (132, None), "utimes": (235, None), "futimesat": (261, None),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "truncate": (76, 45), "msgget": (68, 186),
    "semget": (64, 190),
}  # fmt: skip
CLONE, CLONE3, PRLIMIT = (56, 220), (435, 435), (302, 261)
CLONE_THREAD = 0x00010000
EPERM, ENOSYS = 1, 38
CPUS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the table, and AUDIT_ARCH

libc: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def lock(readable: Iterable[str]) -> list[str]:
    """Forbid this process all files but these, other processes, and the network. What could not be forbidden."""
    if platform.system() != "Linux":
        return ["files", "processes and network"]
    _control(PR_SET_NO_NEW_PRIVS, 1)
    missing = [] if _drop_capabilities() else ["root's privileges"]
    missing += [] if landlock(readable) else ["files"]
    missing += [] if seccomp() else ["processes and network"]
    return missing


def _control(option, value, pointer=None):
    return libc.prctl(option, value, pointer, 0, 0) == 0


def _drop_capabilities():
    """Leave root no more than its files."""
    header, none = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    return libc.capset(header, none) == 0


def landlock(readable: Iterable[str]) -> bool:
    """Forbid all files but the reading of these, for good. False if the kernel does not know how."""
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = (1 << RIGHTS_OF_FILES[min(version, len(RIGHTS_OF_FILES)) - 1]) - 1
    tcp, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)  # none of: TCP; signals, abstract sockets
    sizes = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}
    attributes = struct.pack("<QQQ", rights, tcp, scopes)[: sizes.get(version, 24)]
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    for path in readable:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = READ_FILE | (READ_DIRECTORY if os.path.isdir(path) else 0)
        libc.syscall(ADD_RULE, ruleset, 1, struct.pack("<Qi", allowed, opened), 0)
        os.close(opened)
    done = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return done


# Instructions of the filter: struct sock_filter of linux/filter.h.
LOAD, EQUAL, IS_SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, DENY = 0x7FFF0000, 0x00050000


def seccomp() -> bool:
    """Forbid new processes, programs, signals to others and the network, for good. False if there is no way."""
    if platform.machine() not in CPUS:
        return False
    column, architecture = CPUS[platform.machine()]
    numbers = [pair[column] for pair in FORBIDDEN.values() if pair[column] is not None]
    program: list[tuple[int, int, int, Any]] = [
        (LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, DENY | EPERM),  # no 32-bit calls
        (LOAD, 0, 0, 0),
    ]  # fmt: skip
    if column == 0:  # nor those of x32
        program += [(0x35, 0, 1, 0x40000000), (RETURN, 0, 0, DENY | EPERM)]
    for number in numbers:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, DENY | EPERM)]
    # The C library makes threads by clone3, or by clone where there is none; clone's flags can be read here.
    program += [(EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, DENY | ENOSYS)]
    program += [
        (EQUAL, 0, 3, CLONE[column]),
        (LOAD, 0, 0, 16),
        (IS_SET, 1, 0, CLONE_THREAD),
        (RETURN, 0, 0, DENY | EPERM),
    ]
    program += [(LOAD, 0, 0, 0), (EQUAL, 0, 5, PRLIMIT[column])]  # limits may be read, not set
    program += [(LOAD, 0, 0, 32), (EQUAL, 0, 2, 0), (LOAD, 0, 0, 36), (EQUAL, 1, 0, 0), (RETURN, 0, 0, DENY | EPERM)]
    program += [(RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *one) for one in program))
    head = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    return _control(PR_SET_SECCOMP, 2, head)
