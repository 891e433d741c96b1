#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs the stages of the test suite one after the other, and adds up their results. test.sh starts it.

A stage is a command. If it writes JUnit XML, as ctest and pytest do, its tests are counted. Otherwise it counts as one
test. Logs and XML files are kept in build/test. CI reads the last line: "N passed, N failed[, N skipped]".
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build/test"
TAIL = 40      # lines of output shown for a failed test or stage
POLL_S = 0.2
# Network tests mostly wait: on one CPU, three at a time leave it idle for half of the time.
WORKERS = 3 * len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Stage:
    """{junit} in the command is the file for results. A live stage shows its output while it runs."""

    name: str
    about: str
    command: str
    needs: Sequence[str] = ()
    quick: bool = False
    live: bool = False


def build(preset: str, about: str, quick: bool = False, targets: str = "") -> Stage:
    return Stage(f"build-{preset}", about, f"scripts/build.sh {preset} {targets}", quick=quick)


def netns(name: str, about: str, preset: str, *files: str, only: str = "", quick: bool = False,
          environment: Sequence[str] = ()) -> Stage:
    """Network tests with the binary of a preset."""
    command = shlex.join(["env", f"TURNPIKE=build/{preset}/userspace/turnpike", "PYTHONDONTWRITEBYTECODE=1",
                          *environment, "/usr/bin/python3", "-m", "pytest", "--numprocesses", str(WORKERS),
                          "--junitxml", "{junit}", "-k", only, *(f"netns-tests/{file}" for file in files)])
    return Stage(name, about, command, needs=[f"build-{preset}"], quick=quick, live=True)


STAGES = (
    Stage("check", "formatters and linters", "scripts/check.sh", quick=True),
    build("dev", "gcc with sanitizers", quick=True),
    Stage("unit", "unit tests, packet vectors, fuzzing corpora",
          "ctest --preset dev --parallel 2 --output-junit {junit}", needs=["build-dev"], quick=True),
    build("release", "the installed build", quick=True),
    Stage("hardened", "hardening of the installed binaries", "ctest --preset release -R ^hardened$ --no-tests=error",
          needs=["build-release"], quick=True),
    Stage("verifier", "every program in every configuration, as documented",
          "bash -o pipefail -c 'build/release/userspace/turnpike verify -j | tests/verifier_table.py'",
          needs=["build-release"], quick=True),
    Stage("install", "a program that uses the installed library", "tests/installed_library.sh build/release",
          needs=["build-release"], quick=True),
    netns("lab", "the network tests' own tools", "release", "test_lab.py"),
    netns("smoke", "real traffic in each mode", "release", "datapath/test_matrix.py", only="router/on and ipv4",
          quick=True),
    build("clang", "the other compiler's warnings"),
    Stage("fuzz", "each fuzzer for half a minute", "scripts/fuzz.sh 30", needs=["build-clang"]),
    netns("sanitizers", "bad clients and probing, with sanitizers", "dev", "devices/test_probe.py",
          "server/test_dtls.py", "server/test_garbage.py", "server/test_connection_limits.py"),
    netns("packets", "unusual packets, with sanitizers", "dev", "datapath/test_packets.py", only="segment/"),
    netns("packets-two-nic", "the same with two NICs", "dev", "datapath/test_packets.py", only="two-nic/"),
    netns("transports", "TCP, TLS and DTLS, with sanitizers", "dev", "server/test_transports.py",
          "server/test_tls.py"),
    netns("matrix", "every mode, family, topology and offload; lifecycle", "release", "datapath/test_matrix.py",
          "server/test_lifecycle.py", "datapath/test_expiry.py"),
    netns("server", "pairs, privileges, operation, reload", "release", "server/test_pairs.py",
          "server/test_privileges.py", "server/test_units.py", "server/test_operation.py", "server/test_reload.py",
          "server/test_chains.py", "server/test_control.py", "server/test_memory.py",
          "server/test_service_manager.py"),
    netns("sessions", "lists of sessions, top, monitor, kick, block, drain; the check of a server", "release",
          "server/test_sessions.py", "server/test_reasons.py", "server/test_population.py",
          "server/test_ending_sessions.py", "server/test_session_commands.py", "server/test_top.py",
          "server/test_monitor.py", "server/test_interim.py", "server/test_check_command.py"),
    netns("metrics", "metrics, health, Prometheus", "release", "server/test_metrics.py"),
    netns("model", "random packets against the model", "release", "datapath/test_model.py"),
    netns("datapath", "hairpins, ICMP errors, policing", "release", "datapath/test_hairpin.py", "datapath/test_icmp.py",
          "datapath/test_policing.py", "datapath/test_policing_evasion.py"),
    netns("confirmation", "flows are confirmed by the host's stack", "release", "datapath/test_confirmation.py",
          "datapath/test_encapsulation.py", "datapath/test_ways_in.py"),
    netns("addresses", "addresses and devices of the host", "release", "server/test_addresses.py",
          "server/test_own_addresses.py", "devices/test_default_devices.py"),
    netns("userspace", "UDP GSO and GRO, workers", "release", "server/test_merging.py", "server/test_workers.py",
          "datapath/test_bursts.py"),
    build("threads", "ThreadSanitizer", targets="turnpike_command test_policer test_log_writer test_system_calls"),
    Stage("threads-unit", "unit tests with threads, with ThreadSanitizer",
          "ctest --test-dir build/threads -R ^test_(policer|log_writer|system_calls)$ --no-tests=error"
          " --output-on-failure --output-junit {junit}", needs=["build-threads"]),
    netns("threads", "what workers share, with ThreadSanitizer", "threads", "server/test_workers.py",
          "server/test_shares.py", environment=["TURNPIKE_WORKERS=3"]),
    netns("abuse", "abuse, exhausted resources", "release", "server/test_abuse.py", "server/test_exhausted.py",
          "server/test_guessing.py", "server/test_ports_at_rest.py", "server/test_shares.py",
          "server/test_denied_clients.py", "server/test_private_peers.py"),
    netns("churn", "short-lived allocations", "release", "server/test_churn.py"),
    netns("churn-sanitizers", "the same with sanitizers", "dev", "server/test_churn.py", only="limited"),
    netns("load", "10,000 clients", "release", "server/test_load.py"),
    netns("switching", "live mode changes", "release", "devices/test_switching.py"),
    netns("devices", "device changes, next hops, queues, traffic of the host", "release", "devices/test_changes.py",
          "devices/test_demotion.py", "datapath/test_nexthops.py", "datapath/test_queues.py",
          "datapath/test_ownership.py"),
    netns("vlan", "VLANs", "release", "datapath/test_vlan.py", "datapath/test_foreign_vlan.py",
          only="two or foreign_vlan"),
    netns("clients", "third-party clients", "release", "clients/test_clients.py", "clients/test_browsers.py"),
    netns("vm", "other kernels and drivers, in virtual machines", "release", "vm/test_vm.py"),
    Stage("bench", "the benchmark works", "bench/run.sh --quick", needs=["build-release"]),
)
BY_NAME = {stage.name: stage for stage in STAGES}


@dataclass
class Result:
    """The result of a stage. Each failure is a heading with its lines of output."""

    stage: Stage
    passed: int = 0
    seconds: float = 0
    failures: list[tuple[str, list[str]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (f"{self.stage.name:18} {self.passed:5} passed {len(self.failures):4} failed"
                f" {len(self.skipped):4} skipped {self.seconds:6.0f} s")


class Runner:
    """Runs one stage at a time, in its own process group, which stop() ends as a whole."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def run(self, stage: Stage) -> Result:
        log, junit = (RESULTS / f"{stage.name}.{kind}" for kind in ("log", "xml"))
        words = [word.format(junit=junit) for word in shlex.split(stage.command)]
        began = time.monotonic()
        with log.open("wb") as output:
            self.child = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=subprocess.STDOUT, start_new_session=True)
        self._wait(log if stage.live else None)
        status = self.child.returncode
        self.child = None
        result = Result(stage, seconds=time.monotonic() - began)
        count(result, junit, log.read_text(errors="replace"), status)
        return result

    def _wait(self, shown: Path | None) -> None:
        assert self.child is not None
        with (shown or Path(os.devnull)).open(errors="replace") as output:
            while self.child.poll() is None:
                time.sleep(POLL_S)
                sys.stdout.write(output.read())
                sys.stdout.flush()
            sys.stdout.write(output.read())

    def stop(self) -> None:
        """End the running stage, and wait until it has cleaned up."""
        if self.child is None:
            return
        group = self.child.pid
        try:
            os.killpg(group, signal.SIGTERM)
            self.child.wait()
            while True:
                os.killpg(group, 0)
                time.sleep(POLL_S)
        except ProcessLookupError:
            pass


def count(result: Result, junit: Path, output: str, status: int) -> None:
    """Count the tests in the JUnit XML, if any. If the stage fails without a failed test, the stage itself counts."""
    lines = output.splitlines()
    cases = list(ElementTree.parse(junit).iter("testcase")) if junit.exists() else []
    for case in cases:
        name = ".".join(filter(None, dict.fromkeys((case.get("classname"), case.get("name")))))
        failure = case.find("failure") if case.find("failure") is not None else case.find("error")
        skip = case.find("skipped")
        if failure is not None:
            result.failures.append((name, (failure.text or case.findtext("system-out") or "").splitlines()[-TAIL:]))
        elif skip is not None:
            result.skipped.append(f"{name}: {why_skipped(case, skip)}")
        else:
            result.passed += 1
    # check.sh and ctest's programs print what they skip.
    result.skipped += [line.removeprefix("SKIPPED: ") for line in lines if line.startswith("SKIPPED: ")]
    if status and not result.failures:
        result.failures.append((f"{result.stage.name} (status {status})", lines[-TAIL:]))
    elif not cases and not result.passed and not result.failures:
        result.passed = 1


def why_skipped(case: ElementTree.Element, skip: ElementTree.Element) -> str:
    """The reason: pytest's message, or the last line that a ctest program printed."""
    printed = (case.findtext("system-out") or "").splitlines()
    return printed[-1].removeprefix("SKIPPED").lstrip() if printed else skip.get("message", "no reason given")


def chosen(names: Sequence[str]) -> list[Stage]:
    """The requested stages, preceded by those that they need."""
    if not names:
        return list(STAGES)
    wanted = set(names)
    if "quick" in wanted:
        wanted.update(stage.name for stage in STAGES if stage.quick)
    for stage in reversed(STAGES):
        if stage.name in wanted:
            wanted.update(stage.needs)
    return [stage for stage in STAGES if stage.name in wanted]


def run_all(runner: Runner, stages: Sequence[Stage]) -> Iterator[Result]:
    failed: set[str] = set()
    for number, stage in enumerate(stages, 1):
        print(f"== [{number}/{len(stages)}] {stage.name}: {stage.about}", flush=True)
        if missing := failed.intersection(stage.needs):
            result = Result(stage, failures=[(f"{stage.name}: not run, because {' and '.join(missing)} failed", [])])
        else:
            result = runner.run(stage)
        if result.failures:
            failed.add(stage.name)
            show_failures(result)
        print(result.line(), flush=True)
        yield result


def show_failures(result: Result) -> None:
    for name, lines in result.failures:
        print(f"FAILED {name}")
        for line in lines:
            print(f"    {line}")


def report(results: Sequence[Result]) -> int:
    """Print the summary. CI reads the last line."""
    print()
    for result in results:
        print(result.line())
        for skip in result.skipped:
            print(f"    SKIPPED {skip}")
    passed = sum(result.passed for result in results)
    failures, skipped = (sum(len(part) for part in parts) for parts in
                         ([result.failures for result in results], [result.skipped for result in results]))
    if failures:
        print(f"FAILURES (logs are in {RESULTS.relative_to(ROOT)})")
        for result in results:
            show_failures(result)
    if skipped:
        print("INCOMPLETE: cases marked SKIPPED were not tested on this machine.")
    print(f"{passed} passed, {failures} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failures else 0


def forgotten() -> list[str]:
    """Network tests that are in no stage."""
    words = {word for stage in STAGES for word in shlex.split(stage.command)}
    return [name for path in sorted((ROOT / "netns-tests").rglob("test_*.py"))
            if (name := str(path.relative_to(ROOT))) not in words]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="test.sh", description="Run all tests, the quick ones, or stages by name.")
    parser.add_argument("stages", nargs="*", metavar="quick | STAGE", help="stages to run (default: all)")
    parser.add_argument("--list", action="store_true", help="list the stages; * marks those of quick")
    asked = parser.parse_args()
    if unknown := set(asked.stages) - {"quick", *BY_NAME}:
        parser.error(f"unknown stage {', '.join(sorted(unknown))}: --list prints the stages")
    return asked


def main() -> int:
    asked = options()
    if asked.list:
        for stage in STAGES:
            print(f"{'*' if stage.quick else ' '} {stage.name:18} {stage.about}")
        return 0
    if missing := forgotten():
        sys.exit(f"test.sh: error: {', '.join(missing)}: in no stage; add it to one in scripts/test.py")
    runner = Runner()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    RESULTS.parent.mkdir(exist_ok=True)
    lock = (RESULTS.parent / "test.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("test.sh: error: another run uses this checkout: wait for its end, or use another clone")
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    try:
        return report(list(run_all(runner, chosen(asked.stages))))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        runner.stop()


if __name__ == "__main__":
    sys.exit(main())
