# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Headless Chromium in a namespace of the lab, controlled by the DevTools protocol over a pair of pipes."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

from access import ca_certificate
from browser import LIMIT, Browser, Page, ScriptError
from lab import proc

# Not /usr/bin/chromium, a shell script that reads the user's settings.
BINARY = "/usr/lib/chromium/chromium"
OPTIONS = (
    "--headless", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-sandbox",  # root needs it
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",  # it beeps, without a dialog
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)


class Chromium(Browser):
    _number = 0
    _unread = b""

    def _set_up(self) -> None:
        self._trust_authority()
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        # It reads from descriptor 3 and writes to 4.
        # bash, since dash redirects only descriptors of one digit.
        shell = ["bash", "-c", f'exec "$@" 3<&{commands_out} 4>&{answers_in}', "bash"]
        self._start([*shell, BINARY, *OPTIONS, f"--user-data-dir={self._home / 'profile'}", "about:blank"],
                    pass_fds=(commands_out, answers_in))
        os.close(commands_out)
        os.close(answers_in)
        self._commands, self._answers = commands_in, answers_out

    def _trust_authority(self) -> None:
        """Put the lab's authority into the NSS database, where Chromium looks for the user's."""
        database = self._home / ".pki/nssdb"
        database.mkdir(parents=True)
        proc.run(["certutil", "-d", f"sql:{database}", "-N", "--empty-password"])
        proc.run(["certutil", "-d", f"sql:{database}", "-A", "-n", "lab", "-t", "C,,",
                  "-i", str(ca_certificate(self._lab))])

    def command(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """One command of the protocol and its answer. Events in between are ignored."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        os.write(self._commands, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        deadline = time.monotonic() + LIMIT
        while True:
            answer = json.loads(self._read_message(deadline))
            if answer.get("id") != self._number:
                continue
            if "error" in answer:
                raise proc.LabError(f"Chromium: {method}: {answer['error']['message']}")
            return answer["result"]

    def open(self, url: str) -> Page:
        target = self.command("Target.createTarget", url=url)["targetId"]
        page = Tab(self, target, self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        page.wait_until_loaded(url)
        return page

    def _read_message(self, deadline: float) -> bytes:
        while b"\0" not in self._unread:
            if not select.select([self._answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise proc.LabError("Chromium does not answer")
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise proc.LabError(f"Chromium has ended; its log:\n{self.process.log()}")
            self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        return message


class Tab(Page):
    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session

    def wait_until_loaded(self, url: str) -> None:
        # A tab begins with an empty page, which is complete, too.
        if not proc.wait_until(lambda: self.run("[location.href, document.readyState]") == [url, "complete"], LIMIT):
            raise proc.LabError(f"Chromium does not load {url}")

    def run(self, script: str) -> Any:
        answer = self._browser.command("Runtime.evaluate", self._session, expression=script, awaitPromise=True,
                                       returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ScriptError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def close(self) -> None:
        self._browser.command("Target.closeTarget", targetId=self._target)
