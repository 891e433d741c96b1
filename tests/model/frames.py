# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Random frames for a world: valid ones of each flow, the same with changes, and garbage."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop

from draft import NEVER_POLICED, Draft
from model import Outcome, predict
from outgoing import build
from sends import FAULTS, random_send
from world import NSEC, TPIDS, VARIANTS, Flow, Frame, Key, Policer, Tag, World
from worlds import CHECKS, FOREVER, PARENTS

MAX_DATA = 3000  # BPF_PROG_TEST_RUN has a page for the frame, its room and reserved space
PLENTY = 64      # bytes of room at an end
DEEPEST = 14 + 2 * 4 + 40 + 8 + 4 + 8


def valid(rng: Random, world: World, key: Key, flow: Flow, buffer: int) -> Draft:
    hop = world.hop_of(flow)
    tags = [Tag(tpid, vid | rng.choice((0, 0xe000, 0x1000, rng.randrange(16) << 12))) for tpid, vid in hop.tags]
    draft = Draft(world, key, flow, b"", tags, world.mac, rng.randbytes(6), buffer, [flow.direction.name.lower()],
                  ttl=rng.choice((2, 3, 64, 128, 255, rng.randrange(2, 256))),
                  tos=rng.choice((0, 0xb9, rng.randrange(256))),
                  df=rng.random() < 0.5, identification=rng.randrange(1 << 16), label=rng.randrange(1 << 20))
    if key.peer:
        draft.send = random_send(rng, key.peer)
    draft.data = rng.randbytes(data_length(rng, draft, hop.mtu))
    if key.channel and rng.random() < 0.3:
        draft.padding = rng.randbytes(rng.randint(1, 3))
    if rng.random() < 0.2:
        draft.trailing = rng.randbytes(rng.choice((1, 2, 4, 18, rng.randrange(60))))
    return draft


def data_length(rng: Random, draft: Draft, mtu: int) -> int:
    """Small sizes, and those at the limits of the rules."""
    kind = rng.random()
    if kind < 0.3:
        return rng.randrange(10)
    if kind < 0.6:
        return rng.randrange(1400)
    headers = draft.headers + draft.behind
    edges = [mtu - draft.out_headers, draft.world.mtu - headers, 1260 - draft.out_headers,
             1280 - draft.out_headers, 1280 - headers]
    length = rng.choice(edges) + rng.randint(-4 if draft.flow.xor_peer or draft.send else -1, 1)
    return min(max(length, 0), MAX_DATA)


# Checksums with special values, crafted by the first word of the data.

def outcome(draft: Draft) -> Outcome:
    return predict(draft.world, draft.frame(), VARIANTS[2], draft.buffer)


def incoming(draft: Draft) -> tuple[int, int]:
    """The valid checksum and the pseudo-header sum of the incoming packet."""
    case = outcome(draft).case
    return case.right_checksum, case.pseudo_sum(case.ip, case.udp.len)


def leaving(draft: Draft) -> tuple[int, int] | None:
    """The same of the outgoing packet, if it is relayed, and if its bytes are known: not of a Data indication."""
    expected = outcome(draft)
    if expected.kind != "relay" or draft.flow.xor_peer:
        return None
    packet = build(expected.case)[expected.case.l3:]
    hlen = draft.out_hlen
    ip = (IPv6 if hlen == 40 else IP)(packet[:hlen])
    return int.from_bytes(packet[hlen + 6:hlen + 8], "big"), expected.case.pseudo_sum(ip, len(packet) - hlen)


def aim(rng: Random, draft: Draft) -> None:
    """The incoming or outgoing checksum is computed as 0 (and sent as 0xffff), or looks like a partial one."""
    where, what = rng.choice((incoming, leaving)), rng.choice(("zero", "pseudo"))
    draft.data = b"\0\0" + (draft.data[2:] or rng.randbytes(rng.randrange(5)))
    sums = where(draft)
    if sums:
        right, pseudo = sums
        word = (right - (pseudo if what == "pseudo" else 0)) % 0xffff
        draft.data = word.to_bytes(2, "big") + draft.data[2:]
        draft.notes.append(f"{where.__name__} checksum {what}")


def partial(_: Random, draft: Draft) -> None:
    draft.udp["chksum"] = incoming(draft)[1]


def wrong_checksum(rng: Random, draft: Draft) -> None:
    right, pseudo = incoming(draft)
    value = rng.choice((right ^ 1 << rng.randrange(16), 0xffff, 1, rng.randrange(1, 65536), 0xffff - pseudo,
                        pseudo ^ 1))
    draft.udp["chksum"] = value or 1


def wrong_to_zero(_: Random, draft: Draft) -> None:
    """A wrong checksum that would be sent as 0, which means none."""
    out = leaving(draft)
    if out:
        draft.udp["chksum"] = (incoming(draft)[0] - out[0]) % 0xffff or 0xffff


def no_checksum(_: Random, draft: Draft) -> None:
    draft.udp["chksum"] = 0


def header_check_zero(rng: Random, draft: Draft) -> None:
    """The IPv4 header checksum is 0, which does not mean none, or its other form, all ones."""
    if draft.family == 4:
        draft.identification = 0
        draft.identification = int.from_bytes(draft.packet()[10:12], "big") % 0xffff
        draft.ip_check_add = rng.choice((0, 0xffff))


# Headers.

def other_address(rng: Random, draft: Draft) -> None:
    part = rng.choice(("src", "dst"))
    packed = bytearray(getattr(draft.key, part).packed)
    packed[rng.randrange(len(packed))] ^= 1 << rng.randrange(8)
    draft.ip[part] = str(ipaddress.ip_address(bytes(packed)))


def other_port(rng: Random, draft: Draft) -> None:
    name, address = rng.choice((("sport", draft.key.src), ("dport", draft.key.dst)))
    others = (address.port ^ 1 << rng.randrange(16), rng.choice(list(draft.world.roles)))
    draft.udp[name] = rng.choice(others)


def options(rng: Random, draft: Draft) -> None:
    if draft.family == 4:
        draft.options = rng.choice((b"\x01\x01\x01\x00", b"\x94\x04\0\0", b"\x01" * 40))
    else:
        draft.extension = rng.choice((IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop(), IPv6ExtHdrFragment(id=1),
                                      IPv6ExtHdrFragment(id=1, m=1)))


def fragment(rng: Random, draft: Draft) -> None:
    if draft.family == 4:
        draft.ip["flags"], draft.ip["frag"] = rng.choice((("MF", 0), (0, 1), ("DF+MF", 0), ("evil", 0), ("DF+evil", 0),
                                                          ("DF", 0x1fff), ("MF", 185), (0, 1 << rng.randrange(13))))


def version(rng: Random, draft: Draft) -> None:
    draft.ip["version"] = rng.choice((0, 4, 5, 6, 7, 15))


def header_length(rng: Random, draft: Draft) -> None:
    if draft.family == 4:
        draft.ip["ihl"] = rng.choice((0, 4, 6, 15))


def protocol(rng: Random, draft: Draft) -> None:
    draft.ip["proto" if draft.family == 4 else "nh"] = rng.choice((0, 6, 16, 17, 18, 44, 58, 136, rng.randrange(256)))


def ttl(rng: Random, draft: Draft) -> None:
    draft.ttl = rng.choice((0, 1, 1, 2))


def lengths(rng: Random, draft: Draft) -> None:
    """Changes one of the lengths, or those of IP and UDP by the same amount."""
    by = rng.choice((-1, 1, 2, -4, 4, -8, 8, -len(draft.payload()) - 1, 65535, rng.randint(-40, 40)))
    for name in rng.choice((("ip_len_add",), ("udp_len_add",), ("channel_len_add",), ("ip_len_add", "udp_len_add"))):
        setattr(draft, name, by)


def channel_length(rng: Random, draft: Draft) -> None:
    """At the limits: 0 to 4 bytes of padding, or a length that is one byte too long."""
    draft.padding = rng.randbytes(rng.choice((0, 3, 4, 5, 8)))
    draft.channel_len_add = rng.choice((0, 0, len(draft.padding) + 1, len(draft.padding), -len(draft.data), 1, -1))


def first_bytes(rng: Random, draft: Draft) -> None:
    """To a listener: control messages and invalid channels. To a relay: data that looks like ChannelData."""
    first = rng.choice((0x0001, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xffff, 0x1603)).to_bytes(2, "big")
    if draft.key.from_client:
        draft.raw_payload = (first + draft.payload()[2:])[:rng.choice((0, 1, 2, 3, 4, 5000))]
    else:
        draft.data = first + (len(draft.data) % 65536).to_bytes(2, "big") + draft.data


def other_channel(rng: Random, draft: Draft) -> None:
    channels = (draft.key.channel ^ 1 << rng.randrange(14), 0x3fff, 0x4000, 0x8000, 0x7fff, 0x4fff, 0x5000)
    if draft.key.from_client:
        draft.raw_payload = rng.choice(channels).to_bytes(2, "big") + draft.payload()[2:]


def send(rng: Random, draft: Draft) -> None:
    """Faults of Send indications."""
    for fault in rng.sample(FAULTS, rng.choice((1, 1, 1, 2))) if draft.send else ():
        fault(rng, draft.send)
        draft.notes.append(fault.__name__)


# Ethernet, and the room around the frame.

def mac(rng: Random, draft: Draft) -> None:
    flipped = bytearray(draft.dmac)
    flipped[rng.randrange(6)] ^= 1 << rng.randrange(8)
    draft.dmac = rng.choice((bytes(flipped), b"\xff" * 6, bytes.fromhex("01005e000001"), bytes(6)))


def ethertype(rng: Random, draft: Draft) -> None:
    draft.ethertype = rng.choice((0x0806, 0x0800, 0x86dd, 0x8864, 0x0000, 0x05dc, 0x9100, 0x8101, rng.randrange(65536)))


def tags(rng: Random, draft: Draft) -> None:
    kind = rng.choice(("more", "fewer", "type", "number", "many"))
    if kind == "more" or not draft.tags:
        draft.tags = [Tag(rng.choice(TPIDS), rng.randrange(65536))] + draft.tags
    elif kind == "fewer":
        draft.tags = draft.tags[1:]
    elif kind == "many":
        draft.tags = (draft.tags * 3)[:3]
    else:
        at = rng.randrange(len(draft.tags))
        tag = draft.tags[at]
        draft.tags[at] = Tag(tag.tpid ^ 0x8100 ^ 0x88a8, tag.tci) if kind == "type" else Tag(
            tag.tpid, tag.tci ^ 1 << rng.randrange(12))


def trailing(rng: Random, draft: Draft) -> None:
    draft.trailing = rng.randbytes(rng.choice((1, 2, 3, 4, 24, 46, rng.randrange(200))))


def cut(rng: Random, draft: Draft) -> None:
    draft.cut = rng.randrange(14, DEEPEST)


def super_packet(rng: Random, draft: Draft) -> None:
    draft.gso = rng.choice((1, 100, 1400))


def tight(rng: Random, draft: Draft) -> None:
    """Little headroom or tailroom, or both. The room in BPF_PROG_TEST_RUN is a page minus the frame."""
    grows = max(draft.out_headers - draft.headers, 0)
    edges = (0, max(grows - 1, 0), grows, grows + 1, grows + 3, 1, 2, 3, 4, 20, 24, 25)
    draft.head = rng.choice(edges)
    if draft.cut is None and rng.random() < 0.8:
        draft.trailing, draft.df = b"", True
        around = len(draft.frame().data) - len(draft.data)
        draft.data = rng.randbytes(max(draft.buffer - draft.head - rng.choice(edges) - around, 0))


def levels(number: int) -> Iterator[int]:
    while number:
        yield number
        number = PARENTS[number]


def limit(rng: Random, draft: Draft) -> None:
    """One or two buckets, with exactly enough, or slightly less; or in debt, by little or much."""
    numbers = sorted({number for lowest in draft.flow.policers for number in levels(lowest)})
    for number in rng.sample(numbers, min(len(numbers), rng.choice((1, 2)))):
        usual = NEVER_POLICED[number]
        draft.policers[number] = replace(bucket(rng, usual.takes(len(draft.data))), parent=usual.parent,
                                         packets=usual.packets)
    draft.notes.append(" ".join(f"policer {number}: {policer}" for number, policer in draft.policers.items()))


def bucket(rng: Random, units: int) -> Policer:
    long = 200 * NSEC
    rate = rng.choice((1, 1 << 16, (1 << 16) + 1, rng.randrange(1, 1 << 40)))
    slow = (long << 16) // units
    cost, slow_cost = units * rate >> 16, units * slow >> 16
    return rng.choice((
        Policer(-NSEC, rate, cost),                                      # exactly enough
        Policer(-NSEC, rate, max(cost - 1, 0)),
        Policer(500 * NSEC, slow, 500 * NSEC + slow_cost + long // 2),   # enough, partly used
        Policer(500 * NSEC, slow, 500 * NSEC + slow_cost // 2 - long // 4),
        Policer(FOREVER // 2, rate, long),                               # in debt
        Policer(-NSEC, 0, 0), Policer(1000 * NSEC, 0, 0)))               # no limit


def checks(rng: Random, draft: Draft) -> None:
    """The limit on checks: exactly one, slightly less, or none at all."""
    cost = rng.choice((1 << 16, 1000 << 16))
    draft.policers[CHECKS] = rng.choice((Policer(-NSEC, cost, cost >> 16), Policer(-NSEC, cost, (cost >> 16) - 1),
                                         Policer(1000 * NSEC, cost, NSEC), Policer(0, 0, 0)))


def flip_bits(rng: Random, draft: Draft) -> None:
    """Flips bits in the headers."""
    end = draft.l3 + draft.headers + 2
    places = [(rng.randrange(6, end), 1 << rng.randrange(8)) for _ in range(rng.choice((1, 1, 2)))]

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        for at, bit in places:
            if at < len(changed):
                changed[at] ^= bit
        return bytes(changed)
    draft.flip = flip


def garbage(rng: Random, draft: Draft) -> None:
    """Random bytes from one of the headers on."""
    start = rng.choice((0, 6, 12, 14, draft.l3, draft.l3 + 4, draft.l3 + draft.headers - 4, draft.l3 + draft.headers))
    draft.flip = lambda data: data[:start] + rng.randbytes(max(len(data) - start, 14))


def nothing(_: Random, __: Draft) -> None:
    """A valid frame; they exercise the arithmetic."""


CHANGES: tuple[Callable[[Random, Draft], None], ...] = (
    nothing, aim, partial, wrong_checksum, wrong_to_zero, no_checksum, header_check_zero, other_address, other_port,
    options, fragment, version, header_length, protocol, ttl, lengths, channel_length, first_bytes, other_channel, send,
    mac, ethertype, tags, trailing, cut, super_packet, tight, limit, checks, flip_bits, garbage)
WEIGHTS = (40, 6, 4, 3, 2, 4, 1, 2, 2, 2, 2, 1, 1, 1, 3, 5, 4, 3, 2, 20, 2, 2, 4, 3, 4, 1, 12, 6, 12, 4, 3)


def roomless_flows(rng: Random, world: World) -> list[tuple[Key, Flow]]:
    """The flows of one direction whose headers grow and whose packets may be large, so that room may run out."""
    flows = []
    for key, flow in world.flows.items():
        hop = world.hop_of(flow)
        lasts = flow.expires > 0 and world.confirmations[flow.number].lasts
        longer = key.dst.family < flow.dst.family or (flow.xor_peer and not key.from_client)
        if longer and hop.mtu > MAX_DATA and hop.ifindex and lasts:
            flows.append((key, flow))
    directions = sorted({flow.direction for _, flow in flows})
    direction = rng.choice(directions) if directions else None
    return [(key, flow) for key, flow in flows if flow.direction == direction]


def candidates(rng: Random, world: World, changes: list[Callable]) -> list[tuple[Key, Flow]]:
    """The flows whose packets these changes are about; none: any."""
    if tight in changes:
        return roomless_flows(rng, world)
    return [(key, flow) for key, flow in world.flows.items() if key.peer and send in changes]


def random_frame(rng: Random, world: World, buffer: int) -> Frame:
    count = 2 if rng.random() < 0.15 else 1
    changes = sorted(rng.choices(CHANGES, WEIGHTS, k=count), key=CHANGES.index)
    key, flow = rng.choice(candidates(rng, world, changes) or list(world.flows.items()))
    draft = valid(rng, world, key, flow, buffer)
    for change in changes:
        change(rng, draft)
        draft.notes.append(change.__name__)
    return draft.frame()


def fits(frame: Frame, buffer: int) -> bool:
    """
    Does the frame fit into the buffer of BPF_PROG_TEST_RUN? Frames without a headroom of their own leave enough room at
    both ends.
    """
    return max(len(frame.data), len(frame.whole)) + (2 * PLENTY if frame.head is None else frame.head) <= buffer


def random_frames(rng: Random, world: World, buffer: int, count: int) -> Iterator[Frame]:
    while count:
        frame = random_frame(rng, world, buffer)
        if fits(frame, buffer):
            yield frame
            count -= 1
