# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests for which this kernel lacks something run in a virtual machine, with their reports sent back.

pytest runs in the machine, too, and writes each report to a file. Here the reports take the place of those of a test
that has run: people, JUnit files and xdist see no difference.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import ROOT, kernels, proc, vm
from lab.relay import BINARY

KERNEL = "6.12"
REPORTS = "TURNPIKE_TEST_REPORTS"  # in the environment of pytest in the machine: where the reports go
POLL_SECONDS = 0.5
TEST_SECONDS = 300 * vm.SLOWER  # pyproject.toml has 300 for tests on this machine


class Machine(proc.Undone):
    """pytest in a virtual machine, for some tests."""

    def __init__(self, node_ids: Sequence[str], modules: Sequence[str]) -> None:
        super().__init__()
        self._node_ids, self._modules = node_ids, modules
        self._unread = ""
        self._offset = 0

    def _set_up(self) -> None:
        kernels.check_tools()
        kernel = kernels.get(KERNEL)
        scratch = Path(self._undo.enter_context(tempfile.TemporaryDirectory(prefix="turnpike-elsewhere-")))
        self._vm = self._undo.enter_context(vm.Vm(kernel, [], scratch))
        self._reports = scratch / "reports"
        self._vm.run(["mkdir", "-p", str(scratch)])
        self._vm.run(["touch", str(self._reports)])
        self._vm.run(["modprobe", "-a", *self._modules])
        self._pytest = self._vm.start(["env", "-C", str(ROOT), f"TURNPIKE={BINARY}", f"{REPORTS}={self._reports}",
                                       "/usr/bin/python3", "-B", "-m", "pytest", "-q", "-o", f"timeout={TEST_SECONDS}",
                                       *self._node_ids],
                                      scratch / "pytest.log")

    def reports(self, config: pytest.Config, node_id: str) -> Iterator[pytest.TestReport]:
        """Those of one test, as they come. The tests are reported in the order in which they were given."""
        when = ""
        while when != "teardown":
            report = config.hook.pytest_report_from_serializable(config=config, data=json.loads(self._line()))
            if report.nodeid == node_id:
                when = report.when
                yield report

    def _line(self) -> str:
        while "\n" not in self._unread:
            ended = self._pytest.exit_status() is not None
            more = self._vm.run(["tail", "-c", f"+{self._offset + 1}", str(self._reports)]).stdout
            self._offset += len(more.encode())
            self._unread += more
            if not more and ended:
                raise proc.LabError(f"pytest ended in the virtual machine:\n{self._pytest.log()}")
            if not more:
                time.sleep(POLL_SECONDS)
        line, _, self._unread = self._unread.partition("\n")
        return line


class Elsewhere:
    """A plugin: runs the tests with a marker in virtual machines, one after the other, if this kernel cannot."""

    def __init__(self, config: pytest.Config, marker: str, modules: Sequence[str]) -> None:
        self._config, self._marker, self._modules = config, marker, modules
        self._machine: Machine | None = None
        self._trouble = ""
        self._group = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The first test of a machine waits until it has started; here the limit only ends a machine that hangs."""
        for item in items:
            if item.get_closest_marker(self._marker):
                item.add_marker(pytest.mark.timeout(2 * TEST_SECONDS), append=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if not item.get_closest_marker(self._marker):
            return None
        if group(item) != self._group:
            try:
                self._start(item)
            except kernels.Unavailable as error:
                lacking = self._marker.replace("_", " ")
                item.add_marker(pytest.mark.skip(
                    reason=f"this kernel has no {lacking}, and there is no virtual machine: {error}"))
                return None
        hook, place = item.ihook, {"nodeid": item.nodeid, "location": item.location}
        hook.pytest_runtest_logstart(**place)
        for report in self._reports(item):
            report.nodeid = item.nodeid
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(**place)
        return True

    def pytest_unconfigure(self) -> None:
        self._stop()

    def _start(self, item: pytest.Item) -> None:
        """For all tests of a group, which xdist runs in one worker."""
        self._stop()
        together = [plain_id(each) for each in item.session.items if group(each) == group(item)]
        machine = Machine(together, self._modules)
        try:
            self._machine = machine.__enter__()
            self._trouble = ""
        except proc.LabError as error:
            self._trouble = str(error)
        self._group = group(item)

    def _stop(self) -> None:
        machine, self._machine = self._machine, None
        if machine:
            machine.__exit__(None, None, None)

    def _reports(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        try:
            if not self._machine:
                raise proc.LabError(self._trouble)
            yield from self._machine.reports(self._config, plain_id(item))
        except (proc.LabError, pytest.fail.Exception) as error:  # the latter from pytest-timeout
            yield pytest.TestReport(item.nodeid, item.location, {}, "failed", str(error), "call")


def group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else item.nodeid


def plain_id(item: pytest.Item) -> str:
    """Without the group that xdist appends in its workers."""
    return item.nodeid.removesuffix(f"@{group(item)}")


class Reporter:
    """A plugin of pytest in the machine."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data: dict[str, Any] = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        with Path(os.environ[REPORTS]).open("a") as reports:
            reports.write(json.dumps(data) + "\n")


def register(config: pytest.Config, marker: str, available: bool, modules: Sequence[str]) -> None:
    """Tests with this marker need what is available here, or not; in the machine, these modules bring it."""
    config.addinivalue_line("markers", f"{marker}: the test runs in a virtual machine if this kernel has none of that")
    if REPORTS in os.environ:
        if not config.pluginmanager.has_plugin(Reporter.__name__):  # that of another marker
            config.pluginmanager.register(Reporter(config), Reporter.__name__)
    elif not available:
        config.pluginmanager.register(Elsewhere(config, marker, modules))
