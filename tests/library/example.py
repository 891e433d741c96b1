#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs examples/bind on a veth pair. Relays the first packet of each direction as a server would, and sends a second.

usage: example.py BIND

Both ends of the pair are in a network namespace of this process. The example attaches to one end.
The other end sends frames as client and peer, and receives the relayed ones.
"""
import os
import signal
import socket
import struct
import subprocess
import sys

SKIPPED = 77
CHANNEL = 0x4000
PAYLOAD = b"ABCDEFGH"
CLIENT, SERVER, RELAY, PEER = ("192.0.2.7", 40000), ("192.0.2.1", 3478), ("192.0.2.1", 50000), ("192.0.2.9", 6000)
NEAR_MAC, FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
DEADLINE = 10.0  # seconds; reached only if the test fails


def ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True)


def checksum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def frame(src: tuple[str, int], dst: tuple[str, int], payload: bytes) -> bytes:
    addresses = socket.inet_aton(src[0]) + socket.inet_aton(dst[0])
    length = 8 + len(payload)
    pseudo = addresses + struct.pack("!HH", socket.IPPROTO_UDP, length)
    udp = struct.pack("!HHHH", src[1], dst[1], length, 0) + payload
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp)) + udp[8:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, socket.IPPROTO_UDP, 0) + addresses
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    macs = bytes.fromhex((NEAR_MAC + FAR_MAC).replace(":", ""))
    return macs + struct.pack("!H", 0x0800) + header + udp


def await_payload(wire: socket.socket, dst: tuple[str, int], payload: bytes) -> bool:
    """Whether a frame to @dst with this UDP payload arrives."""
    try:
        while True:
            data = wire.recv(2048)
            if (data[30:34] == socket.inet_aton(dst[0]) and data[23] == socket.IPPROTO_UDP
                    and struct.unpack("!H", data[36:38])[0] == dst[1] and data[42:].startswith(payload)):
                return True
    except TimeoutError:
        return False


def setup() -> None:
    ip("link set lo up")
    ip(f"link add near address {NEAR_MAC} type veth peer name far address {FAR_MAC}")
    ip("link set near up")
    ip("link set far up")
    ip("address add 192.0.2.1/24 dev near")
    for host in (CLIENT[0], PEER[0]):
        ip(f"neighbour add {host} lladdr {FAR_MAC} nud permanent dev near")


def server(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((SERVER[0], port))
    sock.settimeout(DEADLINE)
    return sock


def main(example: str) -> int:
    if os.geteuid() != 0:
        print("skipped: needs root")
        return SKIPPED
    setup()
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind(("far", 0))
    wire.settimeout(DEADLINE)
    addresses = [f"{host}:{port}" for host, port in (CLIENT, SERVER, RELAY, PEER)]
    with subprocess.Popen([example, "near", *addresses], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ready = process.stdout.readline()
        print(ready, end="")
        channel_data = struct.pack("!HH", CHANNEL, len(PAYLOAD)) + PAYLOAD
        with server(SERVER[1]) as listener, server(RELAY[1]) as relay:
            # The kernel relays a flow only after the stack has sent such a packet.
            wire.send(frame(CLIENT, SERVER, channel_data))
            relay.sendto(listener.recv(2048)[4:], PEER)
            wire.send(frame(PEER, RELAY, PAYLOAD))
            listener.sendto(struct.pack("!HH", CHANNEL, len(PAYLOAD)) + relay.recv(2048), CLIENT)
            first = await_payload(wire, PEER, PAYLOAD) and await_payload(wire, CLIENT, channel_data)
            wire.send(frame(CLIENT, SERVER, channel_data))
            to_peer = await_payload(wire, PEER, PAYLOAD)
            wire.send(frame(PEER, RELAY, PAYLOAD))
            to_client = await_payload(wire, CLIENT, channel_data)
        process.send_signal(signal.SIGINT)
        report = process.communicate(timeout=DEADLINE)[0]
    print(report, end="")
    expected = [f"near: {direction}: 1 packets, {len(PAYLOAD)} bytes: relayed in the kernel"
                for direction in ("to-peer", "to-client")]
    faults = [f"missing: {line}" for line in expected if line not in report]
    if not ready.startswith("near: mode "):
        faults.append("the device is not listed")
    if not first or not to_peer or not to_client:
        faults.append(f"relayed by the server: {first}; to the peer: {to_peer}; to the client: {to_client}")
    if process.returncode:
        faults.append(f"exit code {process.returncode}")
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) == 2 and os.geteuid() == 0:
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv, "inside"])
    sys.exit(main(sys.argv[1]))
