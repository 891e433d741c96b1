# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Headless Firefox in a namespace of the lab, controlled by Marionette, Firefox's own protocol: JSON over TCP."""

from __future__ import annotations

import json
import socket
from typing import Any

from browser import LIMIT, Browser, Page, ScriptError
from lab import proc

BINARY = "/usr/bin/firefox-esr"
PORT = 2828  # Marionette's default, on the loopback device of the namespace
PREFERENCES = {
    "media.navigator.streams.fake": True,  # it beeps,
    "media.navigator.permission.disabled": True,  # without a dialog
    "media.autoplay.default": 0,  # allowed
    # Marionette itself turns off what needs Mozilla's servers, except a few requests: let these find no address.
    "network.dns.disabled": True,
}


class Firefox(Browser):
    _number = 0

    def _set_up(self) -> None:
        profile = self._home / "profile"
        profile.mkdir()
        (profile / "user.js").write_text("".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
                                                 for name, value in PREFERENCES.items()))
        self._start(["MOZ_CRASHREPORTER_DISABLE=1", BINARY, "--headless", "--marionette", "--no-remote",
                     "--profile", str(profile)])
        if not proc.wait_until(self._is_connected, LIMIT):
            raise proc.LabError(f"Firefox does not listen; its log:\n{self.process.log()}")
        self._undo.callback(self._socket.close)
        self._socket.settimeout(LIMIT + 5)  # it reports timeouts of scripts itself
        self._answers = self._undo.enter_context(self._socket.makefile("rb"))
        self._read_message()  # its greeting
        self.command("WebDriver:NewSession")
        self.command("WebDriver:SetTimeouts", script=1000 * LIMIT, pageLoad=1000 * LIMIT)

    def _is_connected(self) -> bool:
        with self._lab.entered(self._role):
            self._socket = socket.socket()
        if self._socket.connect_ex(("127.0.0.1", PORT)):
            self._socket.close()
            return False
        return True

    def command(self, name: str, **parameters: Any) -> Any:
        """One command of the protocol and its answer."""
        self._number += 1
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _kind, _number, error, result = self._read_message()
        if error:
            kind = ScriptError if error["error"] == "javascript error" else proc.LabError
            raise kind(f"Firefox: {name}: {error['error']}: {error['message']}")
        return result

    def open(self, url: str) -> Page:
        self.command("WebDriver:Navigate", url=url)
        return OnlyTab(self)

    def _read_message(self) -> Any:
        """A message begins with its length, as in 2:[]."""
        length = b""
        while not length.endswith(b":"):
            length += self._read(1)
        return json.loads(self._read(int(length[:-1])))

    def _read(self, size: int) -> bytes:
        try:
            data = self._answers.read(size)
        except TimeoutError:
            raise proc.LabError(f"Firefox does not answer; its log:\n{self.process.log()}") from None
        if len(data) < size:
            raise proc.LabError(f"Firefox has ended; its log:\n{self.process.log()}")
        return data


class OnlyTab(Page):
    def __init__(self, browser: Firefox) -> None:
        self._browser = browser

    def run(self, script: str) -> Any:
        # Marionette's scripts have a scope of their own; eval() has that of the page. Of the objects of a page,
        # Marionette returns only some: JSON carries all.
        wrapped = "return (async () => JSON.stringify(await window.eval(arguments[0])) ?? 'null')()"
        return json.loads(self._browser.command("WebDriver:ExecuteScript", script=wrapped, args=[script])["value"])

    def close(self) -> None:
        self._browser.command("WebDriver:Navigate", url="about:blank")
