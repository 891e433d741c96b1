# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The benchmark's networks and the traffic through them.

    one-nic     client ===== relay              client and peer share a cable: relayed packets go back
    two-nic     client ===== relay ===== peer   packets cross the relay

Every cable is a veth pair. The load starts at its far end: the kernel generates frames (bench/tools/load.c) from one
client or peer address per flow, which the far end itself does not have. A program at the far end counts the expected
frames and drops them (bench/tools/sink.c). Real clients can use the far ends' own addresses at the same time.

    with Network("two-nic") as network:
        stream = Stream(network.client, Frame(...), network.peer, Frame(...))
        sample = measure(network, stream, "xdp-native", seconds=1)

The generator's CPU does all the work, because the kernel processes a frame on the CPU that it came from. So a rate is
that of one core for load, relay and sink together. The load alone is measured as a bound (bounds.py).

To make veth behave like NICs, and to keep the sink cheap:
- The relay's devices have GRO on, so they take the generator's frames by NAPI with any hook.
- They do not accept UDP GSO packets. The relay pays for the segmentation, as with a NIC that does not support it, and
  the sink counts packets as on the wire.
- A veth delivers frames of native XDP only if its own end has a program: there the sink is native XDP. For the other
  hooks the sink is at TC ingress, since XDP would convert each sk_buff to a frame.
- Neighbours are static, so that their resolution is not measured.

The CPUs of a shared host are slower at times. So the generator waits until its CPU has full speed, runs at a higher
priority than other processes, and a rate is that of the best time slices.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import paths  # noqa: F401
from frame import Address, Frame, family_of, headers, normal, split_tag
from lab import proc
from lab.crowd import FIRST_CLIENT, FIRST_PEER, FIRST_PORT
from lab.lab import Lab
from lab.tool import Tool
from lab.topology import FAMILIES, End, Place, Topology

NSEC = 1_000_000_000
LONGEST = 60     # seconds after which a generator ends on its own
WARM_UP = 0.1
SLICE_MS = 50
CALM_MS = 1000   # longest wait for the CPU to reach full speed
PATIENCE = 3     # seconds until packets arrive
ATTACHING = 60   # seconds, for programs with a table
SLOWEST = 20_000 # packets per second, until each flow has had one
TICK = os.sysconf("SC_CLK_TCK")


class Addresses(Protocol):
    def nth(self, number: int, family: int, /) -> Address:
        """The address of a flow."""


@dataclass(frozen=True)
class Range:
    """Transport addresses: flow n has address + n / 2**bits and port + n % 2**bits. Without bits all are equal."""

    addresses: dict[int, str]  # by family
    port: int
    bits: int | None = None

    def nth(self, number: int, family: int) -> Address:
        first = ipaddress.ip_address(self.addresses[family])
        if self.bits is None:
            return str(first), self.port
        return str(first + (number >> self.bits)), self.port + number % (1 << self.bits)

    def spread(self, flows: int) -> tuple[int, int]:
        """The number of addresses and of ports that this many flows use."""
        if self.bits is None:
            return 1, 1
        return ((flows - 1) >> self.bits) + 1, min(flows, 1 << self.bits)

    def number(self, address: Address) -> int:
        """The flow that has this address: the inverse of nth()."""
        if self.bits is None:
            return 0
        first = ipaddress.ip_address(self.addresses[family_of(address)])
        return (int(ipaddress.ip_address(address[0])) - int(first) << self.bits) + address[1] - self.port


def only(address: Address) -> Range:
    return Range({family_of(address): address[0]}, address[1])


# Behind the far ends. 64 clients share an address, as behind a NAT.
CLIENTS = Range({4: FIRST_CLIENT, 6: "fd64::1"}, FIRST_PORT, bits=6)
OTHERS = Range({4: "10.80.0.1", 6: "fd80::1"}, 10240, bits=6)  # clients that are peers of CLIENTS
PEERS = Range({4: FIRST_PEER, 6: "fd96::1"}, FIRST_PORT, bits=6)
# The relay's own, with the port range of RFC 8656 section 7.2.
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
    """The device at the other end of a cable of the relay."""

    namespace: str
    device: str
    mac: str
    place: Place
    near: NearEnd


class Network(Lab):
    """A Lab with the routes, neighbours and device settings of the benchmark. With one NIC, .peer is .client."""

    def __init__(self, name: str) -> None:
        super().__init__(TOPOLOGIES[name], offload=True)
        self.name = name

    def _attach_pass_programs(self) -> None:
        """Do nothing: each measurement attaches its own sink."""

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
        """Wait until the generator's CPU has full speed, for CALM_MS at most."""
        self._calm.ask(f"wait {CALM_MS}")

    def far_ends(self) -> list[FarEnd]:
        return list(dict.fromkeys((self.client, self.peer)))

    def _far_end(self, far: End, near: End) -> FarEnd:
        assert far.place is not None
        relay = NearEnd(self.namespace("relay"), near.device, self.mac("relay", near.device))
        return FarEnd(self.namespace(far.role), far.device, self.mac(far.role, far.device), far.place, relay)

    def _device_to(self, far_end: FarEnd) -> str:
        """The relay's device by which packets go to the hosts there."""
        return far_end.near.device

    def _add_routes_to_all(self) -> None:
        for far_end, networks in ((self.client, NETWORKS["client"]), (self.peer, NETWORKS["peer"])):
            self._ip("relay", [f"route add {each} via {far_end.place.address(family)}"
                               f" dev {self._device_to(far_end)}"
                               for family in FAMILIES for each in networks[family]])
        self._ip("relay", [f"route add local {each} dev lo" for family in FAMILIES
                           for each in NETWORKS["relay"][family]])

    def forward(self, on: bool) -> None:
        """Turn IP forwarding in the relay on or off."""
        with self.entered("relay"):
            for path, value in (("ipv4/ip_forward", on), ("ipv6/conf/all/forwarding", on),
                                ("ipv4/conf/all/send_redirects", False),
                                *((f"ipv4/conf/{device}/send_redirects", False) for device in self.devices("relay"))):
                Path("/proc/sys/net", path).write_text(str(int(value)))


@dataclass(frozen=True)
class Stream:
    """The traffic sent, and the expected one: the frames of flow 0, and the address ranges of all flows."""

    sender: FarEnd
    sent: Frame
    receiver: FarEnd
    expected: Frame
    flows: int = 1
    source: Range | None = None
    target: Range | None = None
    expected_source: Addresses | None = None
    expected_target: Range | None = None
    by_stack: bool = False  # a network stack writes the headers, with its own identifications and TTLs
    # The expected payload, with the random parts of the one that arrived.
    payload_like: Callable[[bytes], bytes] | None = None

    def expected_nth(self, number: int) -> Frame:
        family = family_of(self.expected.target)
        return replace(self.expected, source=(self.expected_source or only(self.expected.source)).nth(number, family),
                       target=self.targets().nth(number, family))

    def targets(self) -> Range:
        return self.expected_target or only(self.expected.target)

    def complaint(self, arrived: bytes) -> str | None:
        """Compares a frame with the expected one. Returns None if they are equal."""
        tag, frame = split_tag(arrived)
        expected = self.expected_nth(self.targets().number(target_of(frame)))
        if self.payload_like:
            expected = replace(expected, payload=self.payload_like(frame[headers(family_of(expected.target)):]))
        wanted = bytes(expected)
        wanted_tag, wanted_frame = split_tag(wanted)
        if tag == wanted_tag and normal(frame, self.by_stack) == normal(wanted_frame, self.by_stack):
            return None
        return f"{arrived.hex()} arrives instead of {wanted.hex()}"


def target_of(frame: bytes) -> Address:
    ip4 = frame[12:14] == b"\x08\x00"
    host = ipaddress.ip_address(frame[30:34] if ip4 else frame[38:54])
    return str(host), int.from_bytes(frame[36:38] if ip4 else frame[56:58], "big")


def last_cpu() -> int:
    return max(os.sched_getaffinity(0))


def load(stream: Stream, pace: int | None = None, seconds: float = LONGEST) -> Tool:
    """Start the generator. When it ends or is interrupted, it answers with {"sent": packets, "ns": time}."""
    arguments: list[object] = ["--dev", stream.sender.device, "--frame", bytes(stream.sent).hex(),
                               "--flows", stream.flows, "--seconds", seconds, "--cpu", last_cpu()]
    for option, spread in (("--src-bits", stream.source), ("--dst-bits", stream.target)):
        if spread and spread.bits is not None:
            arguments += [option, spread.bits]
    if pace:
        arguments += ["--pace", pace]
    return Tool(stream.sender.namespace, "load", *arguments)


def sink(stream: Stream, hook: str) -> Tool:
    """Start a program that counts the expected frames. Requests are "count", "rates" and "frame"."""
    target = stream.expected.target
    addresses, ports = stream.targets().spread(stream.flows)
    tag, frame = split_tag(bytes(stream.expected))
    tool = Tool(stream.receiver.namespace, "sink", "--dev", stream.receiver.device, "--hook", hook,
                *(["--tagged"] if tag else []), "--len", len(frame), "--to", target[0], "--addresses", addresses,
                "--port", target[1], "--ports", ports)
    tool.answer()
    return tool


@contextlib.contextmanager
def bare_program(end: FarEnd | NearEnd, program: str, hook: str, *arguments: object) -> Iterator[int]:
    """Attach a program of bench/tools/bounds.bpf.c inside the context. Gives the program's ID."""
    with Tool(end.namespace, "bounds", "--dev", end.device, "--hook", hook, "--program", program, *arguments) as tool:
        yield tool.answer(ATTACHING)["prog_id"]


def sink_hook(relayed_by: str) -> str:
    """The cheapest sink for frames that a hook sends."""
    return "xdp-native" if relayed_by == "xdp-native" else "tcx"


@dataclass(frozen=True)
class CpuTime:
    """CPU time of this machine since boot: user space, kernel and interrupts."""

    total_ns: int
    generator_ns: int  # the part on the generator's CPU, without interrupts

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
    """The 90th percentile of the time slices: other users of the core can only slow us down (calm.c)."""
    return statistics.quantiles(rates, n=10, method="inclusive")[-1] if len(rates) > 1 else rates[0]


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    packets_per_s: float  # that arrived: in undisturbed slices, or on average if paced
    cpu_ns: float         # per packet, of the whole machine
    work_ns: float        # the same without the generator, which spins to keep its pace
    sent: int             # all packets, including those outside the timed part
    arrived: int


class Meter:
    """A context with a sink on a hook, in which sample() measures the stream once or more."""

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
                # The relay attaches native XDP only if the far end delivers what it sends.
                tools.enter_context(bare_program(end, "xdp_pass", "xdp-native"))
            self._tools = tools.pop_all()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._tools.close()

    def sample(self, seconds: float, pace: int | None = None) -> Sample:
        """Send for this long, after one packet of every flow, and count the packets that arrive."""
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
            raise proc.LabError("packets arrived during warm-up, but not any more")
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
            raise proc.LabError(f"{self._count() - before} of {sender.answer()['sent']} packets of {flows} flows"
                                f" arrive; the sink has counted {self._sink.ask('count')}")
        time.sleep(WARM_UP)


def measure(network: Network, stream: Stream, hook: str, seconds: float) -> Sample:
    with Meter(network, stream, hook) as meter:
        return meter.sample(seconds)
