# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The metrics of a server over HTTP, and a Prometheus that scrapes them."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import proc
from lab.lab import Lab

HOST, PORT, PROMETHEUS_PORT = "127.0.0.1", 9641, 9090
LISTEN = ("--metrics-listen", f"{HOST}:{PORT}")
TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
TIMEOUT = 60  # seconds; it only ends a failure
# A metric with its labels, as "name" or as 'name{a="b"}', and its value.
Samples = dict[str, int]


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: str


def connect(lab: Lab, port: int = PORT) -> socket.socket:
    """A connection from the relay's own namespace."""
    with lab.entered("relay"):
        sock = socket.socket()
    sock.settimeout(TIMEOUT)
    sock.connect((HOST, port))
    return sock


def exchange(lab: Lab, request: str, port: int = PORT) -> Response:
    """Send a request as it is, and read the response to the end of the connection."""
    with connect(lab, port) as sock:
        sock.sendall(request.encode())
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = data.decode().partition("\r\n\r\n")
    first, *fields = head.split("\r\n")
    return Response(int(first.split()[1]), dict(field.split(": ", 1) for field in fields), body)


def get(lab: Lab, path: str, accept: str = "*/*", method: str = "GET", port: int = PORT) -> Response:
    return exchange(lab, f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAccept: {accept}\r\n"
                         "Connection: close\r\n\r\n", port)


def samples_of(text: str) -> Samples:
    """Every line that is no comment is a sample with an integer."""
    found: Samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in found, f"{name} is there twice"
            found[name] = int(value)
    return found


def scrape(lab: Lab) -> Samples:
    response = get(lab, "/metrics")
    assert response.status == 200, response
    assert int(response.headers["Content-Length"]) == len(response.body.encode())
    return samples_of(response.body)


def sum_of(samples: Samples, metric: str, *labels: str) -> int:
    """The sum of a metric's series with these labels, each as 'name="value"'."""
    return sum(value for name, value in samples.items()
               if name.split("{")[0] == metric and all(label in re.split("[{},]", name) for label in labels))


class Prometheus:
    """A real one, beside the server. It scrapes every second, and applies the rules of this project."""

    def __init__(self, lab: Lab, rules: Path) -> None:
        self._lab = lab
        config = lab.scratch / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "turnpike", "static_configs": [{"targets": [f"{HOST}:{PORT}"]}]}]}))
        self.process = lab.start("relay", ["prometheus", f"--config.file={config}",
                                           f"--storage.tsdb.path={lab.scratch / 'tsdb'}",
                                           f"--web.listen-address={HOST}:{PROMETHEUS_PORT}"])
        if not proc.wait_until(self._is_ready, TIMEOUT, 0.2):
            raise proc.LabError(f"Prometheus is not ready\n{self.process.log()[-2000:]}")

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return get(self._lab, "/-/ready", port=PROMETHEUS_PORT).status == 200
        return False

    def _api(self, path: str) -> Any:
        # HTTP/1.0, so that the response has no chunks.
        response = exchange(self._lab, f"GET /api/v1/{path} HTTP/1.0\r\n\r\n", PROMETHEUS_PORT)
        answer = json.loads(response.body)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of a result."""
        return list(self._api(f"query?{urllib.parse.urlencode({'query': expression})}")["result"])

    def rules(self) -> Iterator[dict[str, Any]]:
        for group in self._api("rules")["groups"]:
            yield from group["rules"]

    def target_error(self) -> str:
        """Why the last scrape failed; empty: it did not."""
        target, = self._api("targets")["activeTargets"]
        return str(target["lastError"])

    def has_scraped(self) -> bool:
        return bool(self.query("up == 1"))
