# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Metrics and health over HTTP.

    client ----- relay ----- peer
                 Prometheus
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import ROOT, metrics, proc, turn
from lab.complaints import Complaints, check, refused
from lab.endpoints import echo_peer
from lab.lab import Lab
from lab.metrics import LISTEN, OPENMETRICS, TEXT, Samples, get, samples_of, scrape, sum_of
from lab.relay import BY_NAME, REALM, Turnpike, Variant
from lab.roundtrip import relayed_there
from lab.sessions import FAMILY, MESSAGES, PAYLOAD, bound, serve, talk

FORBIDDEN = 403
CLIENTS_MAX = 16
DOCUMENT = ROOT / "docs/metrics.md"
CONTRIB = ROOT / "contrib"
RULES, DASHBOARD = CONTRIB / "prometheus/turnpike.rules.yml", CONTRIB / "grafana/turnpike.json"
USERSPACE, TCX, NATIVE = (BY_NAME[name] for name in ("userspace", "tcx", "native-head"))
some_modes = pytest.mark.parametrize("variant", (NATIVE, TCX, USERSPACE))
anyhow = pytest.mark.parametrize("variant", (USERSPACE,))


@contextlib.contextmanager
def talking(lab: Lab) -> Iterator[turn.Client]:
    """A client with a channel to an echoing peer."""
    with echo_peer(lab, FAMILY) as peer, bound(lab, peer.address) as client:
        yield client


# Numbers.

def relayed(samples: Samples, what: str, path: str) -> dict[str, int]:
    return {direction: sum_of(samples, f"turnpike_relayed_{what}_total", f'path="{path}"', f'direction="{direction}"')
            for direction in ("to-peer", "to-client", "hairpin")}


def differences(samples: Samples, status: dict[str, Any], stats: dict[str, Any]) -> Complaints:
    """Where the metrics differ from what the commands say."""
    wanted: Samples = {
        "turnpike_draining": int(status["draining"]),
        "turnpike_flow_failures_total": status["flow_failures"],
        "turnpike_flow_refusals_total": status["flow_refusals"],
        "turnpike_log_lost_total": status["log_lost"],
        "turnpike_icmp_errors_total": stats["turn"]["icmp"],
        "turnpike_unsent_total": stats["turn"]["unsent"],
        f'turnpike_build_info{{version="{status["version"]}"}}': 1}
    for device in status["devices"]:
        wanted[f'turnpike_device_mode{{device="{device["dev"]}",mode="{device["mode"]}",hook="{device["hook"]}"}}'] = 1
        wanted[f'turnpike_mode_changes_total{{device="{device["dev"]}"}}'] = device["changes"]
    for transport, number in status["clients"]["allocations"].items():
        wanted[f'turnpike_allocations{{transport="{transport}"}}'] = number
    for transport, number in status["clients"]["connections"].items():
        wanted[f'turnpike_connections{{transport="{transport}"}}'] = number
    for reason, number in status["waiting"].items():
        wanted[f'turnpike_bindings_waiting{{reason="{reason}"}}'] = number
    for framing, number in status["framing"].items():
        wanted[f'turnpike_flows{{framing="{framing}"}}'] = number
    for table, row in status["shares"].items():
        wanted[f'turnpike_used{{resource="{table}"}}'] = row["used"]
        wanted[f'turnpike_capacity{{resource="{table}"}}'] = row["size"]
    for row in stats["verdicts"]:
        wanted[f'turnpike_packets_total{{verdict="{row["verdict"]}",device="{row["dev"]}",mode="{row["mode"]}",'
               f'direction="{row["direction"]}"}}'] = row["packets"]
    for method, codes in stats["turn"]["refusals"].items():
        for code, reasons in codes.items():
            for reason, number in reasons.items():
                wanted[f'turnpike_requests_total{{method="{method}",code="{code}",reason="{reason}"}}'] = number
    complaints = [f"{name} is {samples.get(name)}, not {value}" for name, value in wanted.items()
                  if samples.get(name) != value]
    sums = {"turnpike_requests_total": stats["turn"]["requests"]}
    for name, number in sums.items():
        if sum_of(samples, name) != number:
            complaints.append(f"the sum of {name} is {sum_of(samples, name)}, not {number}")
    for path, counts in status["relayed"].items():
        for what, number in counts.items():
            if sum(relayed(samples, what, path).values()) != number:
                complaints.append(f"{what} of {path}: {relayed(samples, what, path)}, not {number}")
    return complaints


@some_modes
def test_numbers(lab: Lab, variant: Variant) -> None:
    """The metrics have the numbers of the test's own traffic, and of `turnpike status` and `stats`."""
    server = serve(lab, variant, *LISTEN)
    with talking(lab) as client:
        complaints = relayed_there(server, [client])
        complaints += refused(FORBIDDEN, lambda: client.permit(("127.0.0.1", 9)), "a permission for this host")
        before = scrape(lab)
        complaints += talk(client)
        after = scrape(lab)
        complaints += differences(after, server.ask("status"), server.ask("stats"))
    path, other = ("kernel", "userspace") if variant.in_kernel else ("userspace", "kernel")
    for what, number in (("packets", MESSAGES), ("bytes", MESSAGES * len(PAYLOAD))):
        wanted = {"to-peer": number, "to-client": number, "hairpin": 0}
        for where, growth in ((path, wanted), (other, dict.fromkeys(wanted, 0))):
            found = {direction: value - relayed(before, what, where)[direction]
                     for direction, value in relayed(after, what, where).items()}
            if found != growth:
                complaints.append(f"{what} of {where} grew by {found}, not by {growth}")
    if after.get('turnpike_requests_total{method="CreatePermission",code="403",reason="denied_peer"}') != 1:
        complaints.append("the refusal is not counted")
    ports = after['turnpike_used{resource="ports"}'], after['turnpike_capacity{resource="ports"}']
    if ports != (1, 2 * 16384):  # of an address of each family
        complaints.append(f"ports: {ports}")
    open_files = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    if abs(after['turnpike_used{resource="descriptors"}'] - open_files) > 2:  # connections of this test
        complaints.append(f"{open_files} descriptors are open")
    check(complaints + server.stop_complaints())


def test_mode_changes(lab: Lab) -> None:
    """No counter falls or disappears when the mode changes, and each packet is counted once."""
    server = serve(lab, TCX, *LISTEN)
    complaints: Complaints = []
    with talking(lab) as client:
        first = before = scrape(lab)
        variants = (USERSPACE, NATIVE, TCX)
        for variant in variants:
            complaints += talk(client)
            server.change_mode(variant)
            after = scrape(lab)
            complaints += [f"{name} falls from {value} to {after.get(name)} in mode {variant.name}"
                           for name, value in before.items() if "_total" in name and after.get(name, -1) < value]
            modes = [name for name in after if name.startswith("turnpike_device_mode{")]
            if not modes or not all(f'mode="{variant.mode}"' in name for name in modes):
                complaints.append(f"the modes are {modes}, not {variant.mode}")
            before = after
    grown = sum_of(after, "turnpike_relayed_packets_total") - sum_of(first, "turnpike_relayed_packets_total")
    if grown != 2 * MESSAGES * len(variants):
        complaints.append(f"{grown} packets are counted")
    check(complaints + server.stop_complaints())


@anyhow
def test_coturn_names(lab: Lab, variant: Variant) -> None:
    """The names of coturn have the same numbers, with its labels. Without the option they are absent."""
    server = serve(lab, variant, *LISTEN)
    complaints = [f"{name} is there unasked" for name in scrape(lab) if not name.startswith("turnpike_")]
    server.stop()
    server = serve(lab, variant, *LISTEN, "--metrics-coturn-names")
    with talking(lab) as client:
        complaints += talk(client)
        samples = scrape(lab)
        complaints += [line for line in promtool_complaints(lab) if "_total" not in line]
    names = {name.split("{")[0] for name in samples if not name.startswith("turnpike_")}
    section = DOCUMENT.read_text().partition("## Names of coturn")[2]
    if names != set(re.findall(r"`((?:turn|stun)_\w+)`", section)):
        complaints.append(f"other names are documented than {names}")
    packets, size = MESSAGES, MESSAGES * len(PAYLOAD)
    for name in ("rcv", "sent", "peer_rcv", "peer_sent"):
        for unit, number in (("p", packets), ("b", size)):
            for found in (f'turn_traffic_{name}{unit}{{realm="{REALM}"}}', f"turn_total_traffic_{name}{unit}"):
                if samples.get(found) != number:
                    complaints.append(f"{found} is {samples.get(found)}, not {number}")
    if samples['turn_total_allocations{type="UDP"}'] != 1 or samples["stun_binding_request"] != 0:
        complaints.append("the numbers of allocations and Binding requests are wrong")
    check(complaints + server.stop_complaints())


# Document and format.

def documented() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric in the first table."""
    rows = re.findall(r"^\| `(turnpike_\w+)` \| (\w+) \|([^|]*)\|", DOCUMENT.read_text(), re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def written(text: str) -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric in a document in OpenMetrics."""
    suffixes = {"counter": "_total", "info": "_info"}
    found: dict[str, tuple[str, set[str]]] = {}
    for family, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M):
        name = family + suffixes.get(kind, "")
        sets = [set(re.findall(r'(\w+)="', labels)) for labels in re.findall(rf"^{name}(\{{.*\}})? \d+$", text, re.M)]
        assert all(labels == sets[0] for labels in sets), name
        found[name] = (kind, sets[0] if sets else set())
    return found


def promtool_complaints(lab: Lab) -> Complaints:
    checked = lab.run("relay", ["promtool", "check", "metrics"], check=False, stdin=get(lab, "/metrics").body)
    return (checked.stdout + checked.stderr).splitlines()


@pytest.mark.parametrize("variant", (TCX,))
def test_document(lab: Lab, variant: Variant) -> None:
    """docs/metrics.md lists exactly the metrics that there are, with their types and labels. promtool accepts them."""
    server = serve(lab, variant, *LISTEN)
    with talking(lab) as client:
        complaints = talk(client)
        client.socket.send(b"\xff")  # something that is dropped
        proc.wait_until(lambda: sum_of(scrape(lab), "turnpike_dropped_total") > 0, metrics.TIMEOUT)
        found, wanted = written(get(lab, "/metrics", OPENMETRICS).body), documented()
        complaints += promtool_complaints(lab)
    complaints += [f"{name} is {found.get(name)}, and documented as {wanted.get(name)}"
                   for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)]
    check(complaints + server.stop_complaints())


@anyhow
def test_certificate(lab: Lab, variant: Variant) -> None:
    """The expiry is that of the certificate that clients get."""
    server = serve(lab, variant, *LISTEN)
    name, value = next((name, value) for name, value in scrape(lab).items() if "certificate_expiry" in name)
    path = name.split('"')[1]
    printed = lab.run("relay", ["openssl", "x509", "-noout", "-enddate", "-in", path]).stdout
    assert ssl.cert_time_to_seconds(printed.strip().removeprefix("notAfter=")) == value
    check(server.stop_complaints())


@anyhow
def test_pages(lab: Lab, variant: Variant) -> None:
    """There are three pages, for GET and HEAD, and the client's Accept chooses the format."""
    server = serve(lab, variant, *LISTEN)
    complaints: Complaints = []
    for path, method, accept, status, kind in (
            ("/metrics", "GET", "*/*", 200, TEXT), ("/metrics?name=x", "GET", "text/plain", 200, TEXT),
            ("/metrics", "GET", f"{OPENMETRICS};q=0.5,text/plain;q=0.4", 200, OPENMETRICS),
            ("/metrics", "HEAD", "*/*", 200, TEXT), ("/healthz", "GET", "*/*", 200, "text/plain"),
            ("/readyz", "HEAD", "*/*", 200, "text/plain"), ("/", "GET", "*/*", 404, "text/plain"),
            ("/metrics/", "GET", "*/*", 404, "text/plain"), ("/metrics", "POST", "*/*", 405, "text/plain")):
        response = get(lab, path, accept, method)
        if response.status != status or not response.headers["Content-Type"].startswith(kind):
            complaints.append(f"{method} {path}: {response}")
        if bool(response.body) != (method == "GET" and status == 200):
            complaints.append(f"{method} {path} has {len(response.body)} bytes")
        if response.body.endswith("# EOF\n") != (kind == OPENMETRICS):
            complaints.append(f"{method} {path} has a wrong end")
    if metrics.exchange(lab, "no request\r\n\r\n").status != 400:
        complaints.append("something else is answered")
    if samples_of(get(lab, "/metrics", OPENMETRICS).body).keys() != scrape(lab).keys():
        complaints.append("the formats have different samples")
    check(complaints + server.stop_complaints())


# Health.

@anyhow
def test_readiness(lab: Lab, variant: Variant) -> None:
    """While it drains, for an operator or at its end, the server is healthy, and not ready."""
    server = serve(lab, variant, *LISTEN, "--drain-time", "60")
    states = []

    def note() -> None:
        states.append((get(lab, "/readyz").status, get(lab, "/healthz").status, scrape(lab)["turnpike_draining"]))

    with talking(lab):
        note()
        server.order(command="drain")
        note()
        server.order(command="drain", undo=True)
        note()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait_for("draining: ")
        note()
    assert states == [(200, 200, 0), (503, 200, 1), (200, 200, 0), (503, 200, 1)]


# Clients that misbehave.

def is_open(sock: socket.socket) -> bool:
    """A server that has sent nothing has either closed the connection, or waits."""
    sock.setblocking(False)
    try:
        return bool(sock.recv(1))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@pytest.mark.parametrize("variant", (TCX, USERSPACE))
def test_silent_scrapers(lab: Lab, variant: Variant) -> None:
    """Clients that send nothing, half a request or too much, or do not read, hold up nobody, and are few."""
    server = serve(lab, variant, *LISTEN)
    with talking(lab) as client, contextlib.ExitStack() as stack:
        complaints = talk(client)
        silent = [stack.enter_context(metrics.connect(lab)) for _ in range(5 * CLIENTS_MAX)]
        for sock in silent[-4:-2]:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nX-Half: ")
        for sock in silent[-2:]:
            sock.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        if not proc.wait_until(lambda: sum(map(is_open, silent[:-2])) <= CLIENTS_MAX, metrics.TIMEOUT):
            complaints.append("too many connections stay open")
        complaints += talk(client)
        scrape(lab)
        server.ask("status")
        with metrics.connect(lab) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(b"GET /metrics HTTP/1.1\r\nX-Long: " + bytes(64 << 10))
            if sock.recv(1):
                complaints.append("a header of 64 KB is answered")
        if not proc.wait_until(lambda: not any(map(is_open, silent[:-2])), metrics.TIMEOUT):
            complaints.append("silent clients are not disconnected")
    check(complaints + server.stop_complaints())


@anyhow
def test_address_in_use(lab: Lab, variant: Variant) -> None:
    """If another program has the address, the server says so, and does not start. --check-config says it, too."""
    command = [*Turnpike.command(lab, variant, lab.scratch / "control.sock"), *LISTEN]
    with lab.entered("relay"):
        taken = socket.create_server((metrics.HOST, metrics.PORT))
    with taken:
        results = [lab.run("relay", [*command, *more], check=False) for more in ((), ("--check-config",))]
    assert all(result.returncode and f"error: {metrics.HOST}:{metrics.PORT} is in use" in result.stderr
               for result in results), results
    assert f"{metrics.HOST}:{metrics.PORT} over HTTP" in lab.run("relay", [*command, "--check-config"]).stdout


# Prometheus.

def test_rules(lab: Lab) -> None:
    """The alerts fire when they should, and only then."""
    tested = lab.run("relay", ["promtool", "test", "rules", str(CONTRIB / "prometheus/turnpike.test.yml")], check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def queries_of(dashboard: Any) -> Iterator[str]:
    """Every query of a dashboard, with the values that Grafana would fill in."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*")


@pytest.mark.parametrize("variant", (TCX,))
def test_prometheus(lab: Lab, variant: Variant) -> None:
    """A real Prometheus scrapes the server. Each query of the dashboard, and of each rule, has a result."""
    server = serve(lab, variant, *LISTEN, "--max-rate", "100000000")
    with talking(lab) as client:
        complaints = talk(client) + refused(FORBIDDEN, lambda: client.permit(("127.0.0.1", 9)), "this host")
        client.socket.send(b"\xff")
        prometheus = metrics.Prometheus(lab, RULES)
        if not proc.wait_until(prometheus.has_scraped, metrics.TIMEOUT, 0.2):
            complaints.append(f"nothing was scraped: {prometheus.target_error()}")
        queries = list(queries_of(json.loads(DASHBOARD.read_text())))
        # A rate needs two scrapes.
        missing: list[str] = []

        def all_have_results() -> bool:
            missing[:] = [query for query in queries if not prometheus.query(query)]
            return not missing

        proc.wait_until(all_have_results, metrics.TIMEOUT, 0.5)
        complaints += [f"no result: {query}" for query in missing]
        rules = list(prometheus.rules())
        complaints += [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] == "err"]
        complaints += [f"{rule['name']} is firing" for rule in rules if rule.get("state") == "firing"]
        if len(queries) < 10 or len(rules) < 5:
            complaints.append(f"{len(queries)} queries, {len(rules)} rules")
        kernel, = prometheus.query('sum(turnpike_relayed_packets_total{path="kernel"})')
        if int(kernel["value"][1]) != server.relayed()[0]:
            complaints.append(f"Prometheus knows {kernel['value'][1]} packets, the server {server.relayed()[0]}")
    check(complaints + server.stop_complaints())
