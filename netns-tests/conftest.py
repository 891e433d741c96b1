# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fixtures and hooks of all network tests: labs, names of cases, reports of failures, and interrupted runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from lab.lab import Lab, Reporting
from lab.proc import FATAL_SIGNALS
from lab.relay import BINARY, SERVERS, Variant


# The labs.

@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """The lab of all tests of a module. A module overrides this fixture to use another one."""
    with Lab("two-nic", offload=True) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The module's lab, for one test. Processes that the test starts in it end with the test."""
    yield shared_lab
    shared_lab.stop_processes()


# Names of cases, and their distribution to workers.

def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", choices=SERVERS, default="turnpike",
                     help="the server under test, for tests that support both: a failure with coturn, too, is a fault"
                          " of the lab")
    parser.addoption("--frames", type=int, default=100, help="frames in each case of test_model.py")
    parser.addoption("--frames-seed", default=str(int.from_bytes(os.urandom(4), "big")),
                     help="seed of these frames; the same seed generates the same frames")
    parser.addoption("--changes", type=int, default=100, help="mode changes in each case of test_switching.py")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names that are easy to type after -k."""
    if isinstance(val, Variant | signal.Signals):
        return val.name
    if isinstance(val, tuple):
        return "-".join(map(str, val))
    if argname == "family":
        return f"ipv{val}"
    return val.replace(" ", "-") if isinstance(val, str) else None


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Tests that share a lab, or a server in it, run one after the other.

    With -n, those of one module that share a lab and a variant run in one worker, which builds the lab once.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "shared_lab" in item.fixturenames:
            names = _shared(item, "shared_lab", "variant")
            item.add_marker(pytest.mark.xdist_group(" ".join([item.path.stem, *filter(None, names)])))
    yield  # pytest orders them by parameters, but its order returns to a lab that it has left
    ranks: dict[tuple[object, ...], int] = {}

    def rank(item: pytest.Item) -> list[int]:
        shared = (item.path, *_shared(item, "shared_lab", "server"))
        return [ranks.setdefault(shared[:length], len(ranks)) for length in range(1, len(shared) + 1)]
    items.sort(key=rank)


def _shared(item: pytest.Item, *names: str) -> list[str | None]:
    """Those of a test's parameters, as names."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return [pytest_make_parametrize_id(parameters[name], name) or str(parameters[name]) if name in parameters else None
            for name in names]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remove the group that xdist appends to a test's name, except in its workers, which need it."""
    name, mark, _group = report.nodeid.rpartition("@")
    if mark and name.endswith(report.location[2]) and "PYTEST_XDIST_WORKER" not in os.environ:
        report.nodeid = name


# The run.

def pytest_configure(config: pytest.Config) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):  # pytest itself turns SIGINT into an orderly end
        signal.signal(number, _leave)
    if config.option.collectonly:
        return
    if os.geteuid():
        raise pytest.UsageError("run the network tests as root: they create network namespaces and load BPF programs")
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} does not exist: build it, or set TURNPIKE to the program under test")


def _leave(number: int, _frame: object) -> None:
    """End the session so that all fixtures clean up."""
    for each in FATAL_SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # a second signal must not interrupt that
    pytest.exit(signal.strsignal(number) or str(number), returncode=128 + number)


# Reports.

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the log and the counters of the servers in the lab to a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed and isinstance(item, pytest.Function):
        for lab in {id(value): value for value in item.funcargs.values() if isinstance(value, Lab)}.values():
            report.sections.append(("servers", _report_of(lab)))


def _report_of(source: Reporting) -> str:
    try:
        return source.report()
    except Exception as error:  # an error here must not hide the failure of the test
        return f"{type(error).__name__}: {error}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the line that scripts/test.sh reads."""
    if terminalreporter.config.option.collectonly:
        return
    failed = sum(len(terminalreporter.stats.get(kind, ())) for kind in ("failed", "error"))
    terminalreporter.write_line(f"{len(terminalreporter.stats.get('passed', ()))} passed, {failed} failed")
