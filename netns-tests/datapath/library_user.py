# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A user of libturnpike that binds and then stops itself: from then on the kernel relays alone.

library_user.py LIBRARY REQUEST, where REQUEST is JSON: devices, mode, moves, hook, and bindings, whose addresses are
[host, port] and whose expiries are seconds from now. It prints "bound NOW", where NOW is CLOCK_MONOTONIC in
nanoseconds, and sends itself SIGSTOP.
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


CONFIRM_OFF = 0xffffffff  # no server relays first packets, so nothing could be confirmed


class Addr(ctypes.Structure):
    _fields_ = [("ip", ctypes.c_ubyte * 16), ("port", ctypes.c_uint16), ("family", ctypes.c_ubyte),
                ("pad", ctypes.c_ubyte)]


class Opts(ctypes.Structure):
    """A struct that begins with its size, like those that TURNPIKE_OPTS() declares."""

    def __init__(self, **fields: object) -> None:
        super().__init__(sz=ctypes.sizeof(self), **fields)


class Binding(Opts):
    _fields_ = [("sz", ctypes.c_size_t),
                ("client", Addr), ("server", Addr), ("relay", Addr), ("peer", Addr), ("channel", ctypes.c_uint16),
                ("pad", ctypes.c_uint16 * 3),
                ("channel_expires", ctypes.c_uint64), ("permission_expires", ctypes.c_uint64),
                ("to_peer_policer", ctypes.c_uint32), ("to_client_policer", ctypes.c_uint32)]


class OpenOpts(Opts):
    _fields_ = [("sz", ctypes.c_size_t), ("unused", ctypes.c_uint32 * 8), ("confirm_ms", ctypes.c_uint32),
                ("pad", ctypes.c_uint32)]


class AttachOpts(Opts):
    _fields_ = [("sz", ctypes.c_size_t), ("mode", ctypes.c_int), ("moves", ctypes.c_int), ("hook", ctypes.c_int),
                ("pad", ctypes.c_uint32)]


def addr(host: str, port: int) -> Addr:
    ip = ipaddress.ip_address(host)
    return Addr((ctypes.c_ubyte * 16)(*ip.packed), socket.htons(port), ip.version)


def main() -> int:
    library, request = ctypes.CDLL(sys.argv[1]), json.loads(sys.argv[2])
    library.turnpike_error.restype = ctypes.c_char_p
    handle = ctypes.c_void_p()

    def check(result: int) -> None:
        if result:
            sys.exit(f"library_user.py: {library.turnpike_error(handle).decode()} ({os.strerror(-result)})")

    def parsed(option: str) -> int:
        value = ctypes.c_int()
        check(getattr(library, f"turnpike_{option}_parse")(request[option].encode(), ctypes.byref(value)))
        return value.value

    open_options = OpenOpts(confirm_ms=CONFIRM_OFF)
    check(library.turnpike_open(ctypes.byref(open_options), ctypes.byref(handle)))
    options = AttachOpts(mode=parsed("mode"), moves=parsed("moves"), hook=parsed("hook"))
    for device in request["devices"]:
        check(library.turnpike_attach(handle, device.encode(), ctypes.byref(options)))
    now = time.monotonic_ns()
    for each in request["bindings"]:
        binding = make_binding(each, now)
        check(library.turnpike_bind(handle, ctypes.byref(binding)))
    print(f"bound {now}", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return 0


def make_binding(request: dict[str, Any], now: int) -> Binding:
    addresses = {name: addr(*request[name]) for name in ("client", "server", "relay", "peer")}
    expiries = {name: now + int(request[name] * 1e9) for name in ("channel_expires", "permission_expires")}
    return Binding(channel=request["channel"], **addresses, **expiries)


if __name__ == "__main__":
    sys.exit(main())
