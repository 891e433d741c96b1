# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What all network tests share: the labs, the names of cases, what a failure shows, and how a run ends early."""

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
    """The lab of all tests of a module. A module that needs another one overrides this fixture."""
    with Lab("two-nic", offload=True) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The module's lab, for one test: whatever the test has started in it ends with the test."""
    yield shared_lab
    shared_lab.stop_processes()


# Names, and what runs where.

def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", choices=SERVERS, default="turnpike",
                     help="the server under test, where a test can use another one: coturn tells a fault of the lab"
                          " from one of ours")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names that can be typed after -k."""
    if isinstance(val, Variant | signal.Signals):
        return val.name
    if isinstance(val, tuple):
        return "-".join(map(str, val))
    if argname == "family":
        return f"ipv{val}"
    return val.replace(" ", "-") if isinstance(val, str) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With -n, tests of one module that share a lab and a variant run in one worker, which builds the lab once."""
    for item in items:
        if isinstance(item, pytest.Function) and "shared_lab" in item.fixturenames:
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            names = [pytest_make_parametrize_id(parameters[name], name) for name in ("shared_lab", "variant")
                     if name in parameters]
            item.add_marker(pytest.mark.xdist_group(" ".join([item.path.stem, *filter(None, names)])))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test has the same name in all reports, without the group that xdist appends. Its workers need the group."""
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
        raise pytest.UsageError("run the network tests as root: they make network namespaces and load BPF programs")
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} does not exist: build it, or set TURNPIKE to the program under test")


def _leave(number: int, _frame: object) -> None:
    """End the session in good order: fixtures remove what they have made."""
    for each in FATAL_SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # a second signal must not cut that short
    pytest.exit(signal.strsignal(number) or str(number), returncode=128 + number)


# What people see.

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failure shows the log and the counters of each server that the test has used."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.failed and isinstance(item, pytest.Function):
        for lab in {id(value): value for value in item.funcargs.values() if isinstance(value, Lab)}.values():
            report.sections.append(("servers", _story(lab)))


def _story(source: Reporting) -> str:
    try:
        return source.report()
    except Exception as error:  # a server that cannot tell must not hide why the test failed
        return f"{type(error).__name__}: {error}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line that scripts/test.sh adds up."""
    if terminalreporter.config.option.collectonly:
        return
    failed = sum(len(terminalreporter.stats.get(kind, ())) for kind in ("failed", "error"))
    terminalreporter.write_line(f"{len(terminalreporter.stats.get('passed', ()))} passed, {failed} failed")
