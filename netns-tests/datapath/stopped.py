#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A user of libturnpike that binds and stops: what the kernel does from then on, it does alone.

stopped.py LIBRARY REQUEST, where REQUEST is JSON: devices, mode, moves, hook, and bindings, whose addresses are
[host, port] and whose times are seconds from now. It says "stopped NOW", CLOCK_MONOTONIC in nanoseconds, and stops.
"""

from __future__ import annotations

import ctypes
import ipaddress
import json
import os
import signal
import socket
import sys
import time
from typing import Any


class Addr(ctypes.Structure):
    _fields_ = [("ip", ctypes.c_ubyte * 16), ("port", ctypes.c_uint16), ("family", ctypes.c_ubyte),
                ("pad", ctypes.c_ubyte)]


class Binding(ctypes.Structure):
    _fields_ = [("client", Addr), ("server", Addr), ("relay", Addr), ("peer", Addr), ("channel", ctypes.c_uint16),
                ("pad", ctypes.c_uint16 * 3),
                ("channel_expires", ctypes.c_uint64), ("permission_expires", ctypes.c_uint64),
                ("to_peer_policer", ctypes.c_uint32), ("to_client_policer", ctypes.c_uint32)]


class AttachOpts(ctypes.Structure):
    _fields_ = [("sz", ctypes.c_size_t), ("mode", ctypes.c_int), ("moves", ctypes.c_int), ("hook", ctypes.c_int)]


def addr(host: str, port: int) -> Addr:
    ip = ipaddress.ip_address(host)
    return Addr((ctypes.c_ubyte * 16)(*ip.packed), socket.htons(port), ip.version)


def main() -> int:
    library, request = ctypes.CDLL(sys.argv[1]), json.loads(sys.argv[2])
    library.turnpike_error.restype = ctypes.c_char_p
    handle = ctypes.c_void_p()

    def check(result: int) -> None:
        if result:
            sys.exit(f"stopped.py: {library.turnpike_error(handle).decode()} ({os.strerror(-result)})")

    def parsed(what: str) -> int:
        value = ctypes.c_int()
        check(getattr(library, f"turnpike_{what}_parse")(request[what].encode(), ctypes.byref(value)))
        return value.value

    check(library.turnpike_open(None, ctypes.byref(handle)))
    options = AttachOpts(ctypes.sizeof(AttachOpts), parsed("mode"), parsed("moves"), parsed("hook"))
    for device in request["devices"]:
        check(library.turnpike_attach(handle, device.encode(), ctypes.byref(options)))
    now = time.monotonic_ns()
    for each in request["bindings"]:
        binding = make_binding(each, now)
        check(library.turnpike_bind(handle, ctypes.byref(binding)))
    print(f"stopped {now}", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0


def make_binding(each: dict[str, Any], now: int) -> Binding:
    ends = {name: addr(*each[name]) for name in ("client", "server", "relay", "peer")}
    times = {name: now + int(each[name] * 1e9) for name in ("channel_expires", "permission_expires")}
    return Binding(channel=each["channel"], **ends, **times)


if __name__ == "__main__":
    sys.exit(main())
