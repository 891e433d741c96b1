# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The options of the model tests, the programs under test, and the outcomes that a run must reach."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import outcomes
from feeder import Feeder, Skipped
from world import VARIANTS

FEEDER = Path(__file__).resolve().parents[2] / "build/dev/tests/model/feeder"
FRAMES_PER_WORLD = 25
FULL_RUN = 5000  # a run of as many frames must reach every outcome


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("model")
    group.addoption("--packets", type=int, default=FULL_RUN, help="random frames; each runs through every program")
    group.addoption("--seed", default=str(int.from_bytes(os.urandom(4), "big")),
                    help="the same seed makes the same worlds and frames")
    group.addoption("--feeder", type=Path, default=FEEDER, help="the program that runs the frames")


def pytest_report_header(config: pytest.Config) -> str:
    return f"--seed {config.getoption('--seed')}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The worlds: a number, and how many frames it has."""
    whole, rest = divmod(metafunc.config.getoption("--packets"), FRAMES_PER_WORLD)
    worlds = [FRAMES_PER_WORLD] * whole + ([rest] if rest else [])
    metafunc.parametrize("world_number, frames", [pytest.param(number, frames, id=str(number))
                                                  for number, frames in enumerate(worlds)])


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--seed"))


@pytest.fixture(scope="session")
def feeders(request: pytest.FixtureRequest) -> Iterator[list[Feeder]]:
    """One for each program variant."""
    try:
        feeders = [Feeder(request.config.getoption("--feeder"), variant) for variant in VARIANTS]
    except Skipped:
        pytest.skip("loading BPF programs needs root")
    yield feeders
    for feeder in feeders:
        feeder.close()


class Reached:
    """Adds up the outcomes of all tests, also of those that xdist's workers run."""

    def __init__(self) -> None:
        self.reached: outcomes.Outcomes = Counter()
        self.worlds = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, counts in report.user_properties:
            if name == "outcomes" and report.when == "call":
                self.worlds += 1
                self.reached.update({(verdict, direction): count for verdict, direction, count in counts})

    def missing(self) -> list[str]:
        return outcomes.missing(self.reached) if self.worlds * FRAMES_PER_WORLD >= FULL_RUN else []

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and self.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.worlds:
            terminalreporter.section("outcomes")
            for line in outcomes.table(self.reached):
                terminalreporter.write_line(line)
            for outcome in self.missing():
                terminalreporter.write_line(f"FAILED: no frame had the outcome {outcome}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Reached())
