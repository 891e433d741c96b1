# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The benchmark's networks, and what is sent through them.

    one-nic     client ===== relay              client and peer behind the same cable: what is relayed goes back
    two-nic     client ===== relay ===== peer   from one network to the other

Every cable is a veth pair. At its far end the load begins: frames made in the kernel (bench/tools/load.c), from as
many clients or peers as there are flows, of which the far end itself knows nothing. And there it ends: a program
counts what is expected and drops it (bench/tools/sink.c). Meanwhile real clients can use the far ends' own addresses.

    with Network("two-nic") as network:
        stream = Stream(network.client, Frame(...), network.peer, Frame(...))
        sample = measure(network, stream, "xdp-native", seconds=1)

All work is done on one CPU, that of the generator: the kernel goes on with a frame where it came from. So a rate is
what one core does for load, relay and sink together; the load alone is a bound of its own (bounds.py).

What makes veth behave as NICs do, and the sink cheap:
- The relay's devices have GRO on. So they take the generator's frames, as a NIC with NAPI would, whatever is attached.
- Nor do they take several datagrams in one: what user space sends so is divided at the relay's expense, as for a NIC
  that cannot do it, and the sink counts what is on the wire.
- A far end delivers what native XDP sends there only if it has a program, too: there the sink is native XDP. To all
  else that would be a detour, on which each sk_buff is made a frame: the sink is at TC ingress.
- Neighbours are static: what is measured is not how they are found.

On a host that is shared, a CPU is slower for moments. So the generator waits until its CPU has all its speed, comes
before other processes there, and a rate is that of the best slices of the time that was measured.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import paths  # noqa: F401
from frame import Address, Frame, family_of, normal
from lab import proc
from lab.crowd import FIRST_CLIENT, FIRST_PEER, FIRST_PORT
from lab.lab import Lab
from lab.tool import Tool
from lab.topology import FAMILIES, End, Place, Topology

NSEC = 1_000_000_000
LONGEST = 60     # seconds that a generator runs, should nobody end it
WARM_UP = 0.1
SLICE_MS = 50
CALM_MS = 1000   # to wait for the CPU to have its speed, at most
PATIENCE = 3     # until packets arrive
SLOWEST = 20_000 # packets a second: until each flow has had one
TICK = os.sysconf("SC_CLK_TCK")


class Addresses(Protocol):
    def nth(self, number: int, family: int, /) -> Address:
        """Of a flow."""


@dataclass(frozen=True)
class Range:
    """Transport addresses: flow n has address + n / 2**bits and port + n % 2**bits. Without bits all have the same."""

    addresses: dict[int, str]  # by family
    port: int
    bits: int | None = None

    def nth(self, number: int, family: int) -> Address:
        first = ipaddress.ip_address(self.addresses[family])
        if self.bits is None:
            return str(first), self.port
        return str(first + (number >> self.bits)), self.port + number % (1 << self.bits)

    def spread(self, flows: int) -> tuple[int, int]:
        """How many addresses and how many ports so many flows have."""
        if self.bits is None:
            return 1, 1
        return ((flows - 1) >> self.bits) + 1, min(flows, 1 << self.bits)

    def number(self, address: Address) -> int:
        """The flow that has this address: nth() backwards."""
        if self.bits is None:
            return 0
        first = ipaddress.ip_address(self.addresses[family_of(address)])
        return (int(ipaddress.ip_address(address[0])) - int(first) << self.bits) + address[1] - self.port

def only(address: Address) -> Range:
    return Range({family_of(address): address[0]}, address[1])


# Behind the far ends: 64 clients share an address, as behind a NAT.
CLIENTS = Range({4: FIRST_CLIENT, 6: "fd64::1"}, FIRST_PORT, bits=6)
OTHERS = Range({4: "10.80.0.1", 6: "fd80::1"}, 10240, bits=6)  # clients that are other clients' peers
PEERS = Range({4: FIRST_PEER, 6: "fd96::1"}, FIRST_PORT, bits=6)
# The relay's own, as many ports an address as RFC 8656 section 7.2 has.
RELAYED = Range({4: "10.112.0.1", 6: "fd12::1"}, 49152, bits=14)
RELAYED_OTHERS = Range({4: "10.113.0.1", 6: "fd13::1"}, 49152, bits=14)
NETWORKS = {"client": {4: ("10.64.0.0/12", "10.80.0.0/12"), 6: ("fd64::/64", "fd80::/64")},
            "peer": {4: ("10.96.0.0/12",), 6: ("fd96::/64",)},
            "relay": {4: ("10.112.0.0/15",), 6: ("fd12::/64", "fd13::/64")}}

CLIENT, RELAY_TO_CLIENT, PEER, RELAY_TO_PEER = Place(1, 2), Place(1, 1), Place(3, 2), Place(3, 1)
CABLE = (End("client", "nic0", CLIENT), End("relay", "nic0", RELAY_TO_CLIENT))
TOPOLOGIES = {
    "one-nic": Topology(links=(CABLE,), listen=RELAY_TO_CLIENT, relayed=RELAY_TO_CLIENT),
    "two-nic": Topology(links=(CABLE, (End("peer", "nic0", PEER), End("relay", "nic1", RELAY_TO_PEER))),
                        listen=RELAY_TO_CLIENT, relayed=RELAY_TO_PEER),
}


@dataclass(frozen=True)
class NearEnd:
    """A device of the relay."""

    namespace: str
    device: str
    mac: str


@dataclass(frozen=True)
class FarEnd:
    """A device at the other end of a cable of the relay."""

    namespace: str
    device: str
    mac: str
    place: Place
    near: NearEnd


class Network(Lab):
    """A Lab with the routes, neighbours and devices that measuring needs. With one NIC, .peer is .client."""

    def __init__(self, name: str) -> None:
        super().__init__(TOPOLOGIES[name], offload=True)
        self.name = name

    def _attach_pass_programs(self) -> None:
        """None: each measurement attaches its own sink."""

    def _set_up(self) -> None:
        super()._set_up()
        ends = [self._far_end(*link) for link in self.topology.links]
        self.client, self.peer = ends[0], ends[-1]
        for far_end in ends:
            self.run("relay", ["ethtool", "-K", far_end.near.device, "gro", "on",
                              "tx-udp-segmentation", "off"])
        self.make_neighbours_permanent()
        self._add_routes_to_all()
        self._calm = self._undo.enter_context(Tool(self.namespace("relay"), "calm", "--cpu", last_cpu()))
        self._calm.answer()

    def wait_for_calm(self) -> None:
        """Until the generator's CPU has all its speed, if that comes soon."""
        self._calm.ask(f"wait {CALM_MS}")

    def far_ends(self) -> list[FarEnd]:
        return list(dict.fromkeys((self.client, self.peer)))

    def _far_end(self, far: End, near: End) -> FarEnd:
        assert far.place is not None
        relay = NearEnd(self.namespace("relay"), near.device, self.mac("relay", near.device))
        return FarEnd(self.namespace(far.role), far.device, self.mac(far.role, far.device), far.place, relay)

    def _add_routes_to_all(self) -> None:
        for far_end, networks in ((self.client, NETWORKS["client"]), (self.peer, NETWORKS["peer"])):
            self._ip("relay", [f"route add {each} via {far_end.place.address(family)} dev {far_end.near.device}"
                               for family in FAMILIES for each in networks[family]])
        self._ip("relay", [f"route add local {each} dev lo" for family in FAMILIES
                           for each in NETWORKS["relay"][family]])

    def forward(self, on: bool) -> None:
        """The relay's kernel routes, or does not."""
        with self.entered("relay"):
            for path, value in (("ipv4/ip_forward", on), ("ipv6/conf/all/forwarding", on),
                                ("ipv4/conf/all/send_redirects", False),
                                *((f"ipv4/conf/{device}/send_redirects", False) for device in self.devices("relay"))):
                Path("/proc/sys/net", path).write_text(str(int(value)))


@dataclass(frozen=True)
class Stream:
    """What is sent, as so many flows, and what must arrive: frames of flow 0, and how the others differ from them."""

    sender: FarEnd
    sent: Frame
    receiver: FarEnd
    expected: Frame
    flows: int = 1
    source: Range | None = None
    target: Range | None = None
    expected_source: Addresses | None = None
    expected_target: Range | None = None
    by_stack: bool = False  # a stack writes the headers, with identifications and TTLs of its own

    def expected_nth(self, number: int) -> Frame:
        family = family_of(self.expected.target)
        return replace(self.expected, source=(self.expected_source or only(self.expected.source)).nth(number, family),
                       target=self.targets().nth(number, family))

    def targets(self) -> Range:
        return self.expected_target or only(self.expected.target)

    def complaint(self, arrived: bytes) -> str | None:
        """What is wrong with a frame, byte by byte."""
        wanted = bytes(self.expected_nth(self.targets().number(target_of(arrived))))
        if normal(arrived, self.by_stack) == normal(wanted, self.by_stack):
            return None
        return f"what arrives is {arrived.hex()}, not {wanted.hex()}"


def target_of(frame: bytes) -> Address:
    ip4 = frame[12:14] == b"\x08\x00"
    host = ipaddress.ip_address(frame[30:34] if ip4 else frame[38:54])
    return str(host), int.from_bytes(frame[36:38] if ip4 else frame[56:58], "big")


def last_cpu() -> int:
    return max(os.sched_getaffinity(0))


def load(stream: Stream, pace: int | None = None, seconds: float = LONGEST) -> Tool:
    """The generator; at its end, or when it is interrupted, it answers with {"sent": packets, "ns": time}."""
    arguments: list[object] = ["--dev", stream.sender.device, "--frame", bytes(stream.sent).hex(),
                               "--flows", stream.flows, "--seconds", seconds, "--cpu", last_cpu()]
    for option, spread in (("--src-bits", stream.source), ("--dst-bits", stream.target)):
        if spread and spread.bits is not None:
            arguments += [option, spread.bits]
    if pace:
        arguments += ["--pace", pace]
    return Tool(stream.sender.namespace, "load", *arguments)


def sink(stream: Stream, hook: str) -> Tool:
    """Counts what is expected; ask for "count" or "frame"."""
    target = stream.expected.target
    addresses, ports = stream.targets().spread(stream.flows)
    tool = Tool(stream.receiver.namespace, "sink", "--dev", stream.receiver.device, "--hook", hook,
                "--len", len(bytes(stream.expected)), "--to", target[0], "--addresses", addresses,
                "--port", target[1], "--ports", ports)
    tool.answer()
    return tool


@contextlib.contextmanager
def bare_program(end: FarEnd | NearEnd, program: str, hook: str, *arguments: object) -> Iterator[int]:
    """One of bench/tools/bounds.bpf.c is attached meanwhile; gives the kernel's id of it."""
    with Tool(end.namespace, "bounds", "--dev", end.device, "--hook", hook, "--program", program, *arguments) as tool:
        yield tool.answer()["prog_id"]


def sink_hook(relayed_by: str) -> str:
    """The cheapest sink for what a hook sends."""
    return "xdp-native" if relayed_by == "xdp-native" else "tcx"


@dataclass(frozen=True)
class CpuTime:
    """What this machine has spent since its start, in user space, in the kernel and in interrupts."""

    total_ns: int
    generator_ns: int  # of that, outside interrupts on the generator's CPU

    @staticmethod
    def now() -> CpuTime:
        total = generator = 0
        for line in Path("/proc/stat").read_text().splitlines():
            cpu, *times = line.split()
            if not cpu[3:].isdigit():
                continue
            user, nice, system, _idle, _iowait, irq, softirq = map(int, times[:7])
            total += user + nice + system + irq + softirq
            generator += user + nice + system if int(cpu[3:]) == last_cpu() else 0
        return CpuTime(total * NSEC // TICK, generator * NSEC // TICK)

    def __sub__(self, earlier: CpuTime) -> CpuTime:
        return CpuTime(self.total_ns - earlier.total_ns, self.generator_ns - earlier.generator_ns)


def undisturbed(rates: Sequence[float]) -> float:
    """The rate of nearly the best slices of time: whoever shares a core with us can only slow us down (calm.c)."""
    return statistics.quantiles(rates, n=10, method="inclusive")[-1] if len(rates) > 1 else rates[0]


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    packets_per_s: float  # that arrived: as fast as it was without disturbance, or on average if there was a pace
    cpu_ns: float         # of the whole machine, a packet at this rate
    work_ns: float        # the same without the generator's own, which keeps to a pace by spinning
    sent: int             # from the first to the last, more than were timed
    arrived: int


class Meter:
    """with Meter(network, stream, hook) as meter: a sink on this hook, and then meter.sample(seconds), once or more."""

    def __init__(self, network: Network, stream: Stream, hook: str) -> None:
        self._network = network
        self._others = [end for end in network.far_ends() if end != stream.receiver]
        self._stream = stream
        self._hook = hook
        self._tools = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as tools:
            self._sink = tools.enter_context(sink(self._stream, self._hook))
            for end in self._others if self._hook == "xdp-native" else []:
                # The relay attaches native XDP only where all that it may send is delivered.
                tools.enter_context(bare_program(end, "xdp_pass", "xdp-native"))
            self._tools = tools.pop_all()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._tools.close()

    def sample(self, seconds: float, pace: int | None = None) -> Sample:
        """Sends for so long, after every flow has had a packet, and counts what arrives."""
        before = self._count()
        self._network.wait_for_calm()
        with load(self._stream, pace) as sender:
            self._warm_up(before, sender)
            cpu = CpuTime.now()
            timed = self._sink.ask(f"rates {max(1, round(seconds * 1000 / SLICE_MS))} {SLICE_MS}", PATIENCE + seconds)
            cpu = CpuTime.now() - cpu
            frame = self._sink.ask("frame")["frame"]
            sender.interrupt()
            sent = sender.answer()["sent"]
        if not timed["packets"] or not frame:
            raise proc.LabError("what arrived at first does not arrive any more")
        if complaint := self._stream.complaint(bytes.fromhex(frame)):
            raise proc.LabError(complaint)
        rate = timed["packets"] * NSEC / timed["ns"] if pace else undisturbed(timed["rates"])
        a_packet = timed["ns"] * rate / NSEC
        return Sample(rate, cpu.total_ns / a_packet, (cpu.total_ns - cpu.generator_ns) / a_packet, sent,
                      self._count() - before)

    def _count(self) -> int:
        return int(self._sink.ask("count")["packets"])

    def _warm_up(self, before: int, sender: Tool) -> None:
        flows = self._stream.flows
        if not proc.wait_until(lambda: self._count() - before > flows, PATIENCE + flows / SLOWEST):
            sender.interrupt()
            raise proc.LabError(f"{self._count() - before} of {sender.answer()['sent']} packets arrive, of {flows}"
                                f" flows; what does, in all: {self._sink.ask('count')}")
        time.sleep(WARM_UP)


def measure(network: Network, stream: Stream, hook: str, seconds: float) -> Sample:
    with Meter(network, stream, hook) as meter:
        return meter.sample(seconds)
