# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the time of the usual packet goes: the nanoseconds of each step of the fast path.

    steps/VARIANT/FLOWS

The relay's own programs are built once more, with a constant that ends packets after a step (programs/stop.h,
bench/tools/steps.c). A step takes what the program takes longer than the one that ends a step earlier, by the kernel's
run-time statistics. In a round, all of them are measured one after the other.

    empty      a program that does nothing: the cost of taking the time
    ...        steps of programs/stop.h; flows are confirmed
    all        their sum
    relay      the library's own program, without confirmation, minus the empty one
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise

import paths  # noqa: F401
from flows import PATIENCE, Flows
from lab import proc
from lab.relay import BY_NAME, Variant
from lab.tool import Tool
from network import NearEnd, Network, sink_hook
from runtime import ns_a_run, ns_of_empty, statistics
from section import Case, Extent, Figure, Scope, Unit
from stages import far_ends_dropping
from traffic import FAMILIES, bindings, to_peer

SIZE = 160
STEPS = ("entered", "addressed", "ours", "parsed", "flow", "next hop", "admitted", "checksum", "room", "headers",
         "counted", "sent")
COUNTING = ("counted", "sent")  # the others must not count any packet
PROGRAMS = {"native-head": "relay_xdp_head", "native-tail": "relay_xdp_tail", "tcx": "relay_tc"}
CHOSEN = {Extent.QUICK: ("native-head",), Extent.DEFAULT: ("native-head", "tcx"), Extent.FULL: tuple(PROGRAMS)}
MANY = 100_000  # flows


@contextlib.contextmanager
def programs(relay: Flows, variant: Variant, device: NearEnd) -> Iterator[Callable[[str], int]]:
    """A function that attaches the program of a step, with the maps of this relay, and returns its ID."""
    with Tool(device.namespace, "steps", "--dev", device.device,
              "--hook", "xdp-native" if variant.hook == "xdp" else variant.hook, "--program", PROGRAMS[variant.name],
              "--like", relay.program(device.device), "--confirm") as tool:
        tool.answer(PATIENCE)
        with relay.detached_from(device.device):
            yield lambda step: int(tool.ask(step)["prog_id"])
            tool.stop()


def check(step: str, counts: Counter[tuple[str, str]]) -> None:
    relayed = counts.pop(("to-peer", "relayed"), 0)
    if counts.total() or (relayed > 0) != (step in COUNTING):
        raise proc.LabError(f"after step '{step}', {relayed} packets are counted as relayed, others as {dict(counts)}")


def measure(network: Network, relay: Flows, variant_name: str, flows: int, seconds: float) -> Mapping[str, Figure]:
    variant = BY_NAME[variant_name]
    stream = to_peer(network, FAMILIES["ipv4"], SIZE, flows)
    device = stream.sender.near
    with contextlib.ExitStack() as stack:
        stack.enter_context(statistics())
        stack.enter_context(far_ends_dropping(network, sink_hook(variant.mode)))
        stack.callback(relay.detach)
        nothing = ns_of_empty(network, variant, stream, seconds)
        relay.become(variant)
        whole = ns_a_run(network, relay.program(device.device), stream, seconds)
        until = {}
        with programs(relay, variant, device) as attach:
            for step in STEPS:
                before = relay.counts(device.device)
                until[step] = ns_a_run(network, attach(step), stream, seconds)
                check(step, relay.counts(device.device) - before)
    each = {"empty": nothing, **dict(zip(STEPS, (now - then for then, now in pairwise((nothing, *until.values()))))),
            "all": until[STEPS[-1]] - nothing, "relay": whole - nothing}
    return {name: Figure(ns, Unit.NS_PER_PACKET) for name, ns in each.items()}


class Steps:
    name = "steps"
    title = "Steps of the fast path: ns that each takes for the usual packet"

    @contextlib.contextmanager
    def open(self, scope: Scope) -> Iterator[Sequence[Case]]:
        with Network("two-nic") as network, contextlib.ExitStack() as stack:
            counts = (1,) if scope.extent is Extent.QUICK else (1, MANY)
            relays = {flows: stack.enter_context(contextlib.closing(
                Flows(network, bindings(FAMILIES["ipv4"], False), flows))) for flows in counts}
            yield [Case(f"{self.name}/{variant}/{flows}",
                        partial(measure, network, relays[flows], variant, flows, scope.seconds))
                   for flows in relays for variant in CHOSEN[scope.extent]]


SECTION = Steps()
