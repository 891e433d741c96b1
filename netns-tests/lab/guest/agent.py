# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Executes requests of the host in the guest: JSON objects over a virtio serial port, one per line, each answered.

    {"do": "run", "argv": [...], "stdin": ..., "timeout": 30}  ->  {"status": 0, "stdout": "...", "stderr": "..."}
    {"do": "start", "argv": [...], "log": "/tmp/..."}          ->  {"pid": 1}
    {"do": "poll", "pid": 1}                                   ->  {"status": null}
    {"do": "signal", "pid": 1, "signal": 15}                   ->  {}
    {"do": "read", "path": "/tmp/..."}                         ->  {"text": "..."}

A failed request is answered with "error". The agent begins with {"kernel": "6.1.0"}.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

PORT_NAME = "turnpike"
TIMED_OUT = 124
children: dict[int, subprocess.Popen[bytes]] = {}


def run(request: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(request["argv"], input=request.get("stdin") or "", capture_output=True, text=True,
                              errors="replace", timeout=request["timeout"], start_new_session=True)
    except subprocess.TimeoutExpired as error:
        stdout, stderr = ((output or b"").decode(errors="replace") for output in (error.stdout, error.stderr))
        return {"status": TIMED_OUT, "stdout": stdout, "stderr": f"{stderr}\nended after {error.timeout} s"}
    return {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def start(request: dict[str, Any]) -> dict[str, Any]:
    log = Path(request["log"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(request["argv"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 start_new_session=True)
    children[child.pid] = child
    return {"pid": child.pid}


def poll(request: dict[str, Any]) -> dict[str, Any]:
    return {"status": children[request["pid"]].poll()}


def signal(request: dict[str, Any]) -> dict[str, Any]:
    children[request["pid"]].send_signal(request["signal"])
    return {}


def read(request: dict[str, Any]) -> dict[str, Any]:
    return {"text": Path(request["path"]).read_text(errors="replace")}


ACTIONS = {"run": run, "start": start, "poll": poll, "signal": signal, "read": read}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return ACTIONS[request["do"]](request)
    except Exception as error:  # report any error to the host
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    # The search path of an interactive root shell.
    os.environ |= {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    port = next(path.name for path in Path("/sys/class/virtio-ports").iterdir()
                if (path / "name").read_text().strip() == PORT_NAME)
    with open(f"/dev/{port}", "r+b", buffering=0) as line:
        def send(message: dict[str, Any]) -> None:
            left = memoryview(json.dumps(message).encode() + b"\n")
            while left:
                left = left[line.write(left):]

        send({"kernel": os.uname().release})
        buffer = b""
        while True:
            data = line.read(65536)
            if not data:
                return  # the host has closed the port
            *requests, buffer = (buffer + data).split(b"\n")
            for request in requests:
                send(answer(json.loads(request)))


if __name__ == "__main__":
    main()
