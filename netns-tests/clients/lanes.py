# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lanes: cells of one mode that run side by side, each lane in a lab of its own.

Most clients wait more than they work, so the tests would take many times longer one after the other. A test of pytest
takes the outcome of its cell, and waits for it if need be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from access import server_options
from lab import proc, turnutils
from lab.complaints import Complaints
from lab.lab import Lab
from lab.relay import Turnpike, Variant

LANES = 6
NONCE_SECONDS = "3"  # so short that clients meet stale nonces

Cell = TypeVar("Cell")
Run = Callable[[Lab, Turnpike, Cell], tuple[str, Complaints]]


class Lanes(proc.Undone, Generic[Cell]):
    """run() is called once for each cell; several at the same time."""

    def __init__(self, variant: Variant, cells: Sequence[Cell], run: Run[Cell]) -> None:
        super().__init__()
        self._variant, self._run = variant, run
        self._outcomes: dict[Cell, Future[tuple[str, Complaints]]] = {cell: Future() for cell in cells}
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run_lane, args=(cells[number::LANES],))
                         for number in range(min(LANES, len(cells)))]

    def _set_up(self) -> None:
        for thread in self._threads:
            thread.start()
            self._undo.callback(thread.join)
        self._undo.callback(self._stopped.set)  # comes first

    def outcome(self, cell: Cell) -> tuple[str, Complaints]:
        """The numbers of a cell and its complaints, or its exception."""
        return self._outcomes[cell].result()

    def _run_lane(self, cells: Sequence[Cell]) -> None:
        try:
            with Lab("router", offload=True) as lab:
                turnutils.start_peer(lab)
                server = Turnpike(lab, self._variant, options=[*server_options(lab), "--nonce-lifetime", NONCE_SECONDS])
                for cell in cells:
                    if self._stopped.is_set():
                        break
                    self._run_cell(lab, server, cell)
        except Exception as error:  # no lab: the tests fail, rather than wait
            for cell in cells:
                if not self._outcomes[cell].done():
                    self._outcomes[cell].set_exception(error)

    def _run_cell(self, lab: Lab, server: Turnpike, cell: Cell) -> None:
        try:
            numbers, complaints = self._run(lab, server, cell)
            if complaints:
                complaints.append(server.report())  # now, before the next cell adds to it
            self._outcomes[cell].set_result((numbers, complaints))
        except Exception as error:  # whatever a library raises: the next cells may pass
            failure = proc.LabError(f"{type(error).__name__}: {error}\n{server.report()}")
            failure.__cause__ = error
            self._outcomes[cell].set_exception(failure)
