#!/usr/bin/env python3
"""without_uring.py SYSTEM-CALL PROGRAM ARGUMENT...: runs a program to which the kernel refuses
io_uring, as it does under the seccomp filter of a container: io_uring_setup or io_uring_enter."""
import ctypes
import os
import struct
import sys

NUMBERS = {"io_uring_setup": 425, "io_uring_enter": 426}  # the same on every machine
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, EPERM = 0x7FFF0000, 0x00050001


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


steps = [(LOAD_NUMBER, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, NUMBERS[sys.argv[1]]),
         (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)]
code = b"".join(struct.pack("HBBI", *step) for step in steps)
kernel = ctypes.CDLL(None, use_errno=True)
if kernel.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
if kernel.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                ctypes.byref(Program(len(steps), code)), 0, 0) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
