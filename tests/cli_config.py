#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The configuration as operators see it: --check-config, secrets in the process list, errors with file and line,
turnpike key, and the configuration file of the README.

Usage: cli_config.py TURNPIKE README STOP_AT_OPEN"""

import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SECRET = "sesame-open-up"
LISTEN = ["--listen", "192.0.2.1"]
Complaints = list[str]


def run(*argv: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, text=True, check=False,
                          timeout=20,
                          env={**os.environ, **(env or {})})


class Tests:
    def __init__(self, turnpike: Path, readme: Path, stop_at_open: Path, scratch: Path) -> None:
        self.turnpike, self.readme, self.stop_at_open, self.scratch = turnpike, readme, stop_at_open, scratch

    def file(self, name: str, text: str) -> Path:
        path = self.scratch / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def check(self, *options: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return run(self.turnpike, "serve", "--check-config", *options, env=env)

    def refused(self, what: str, *options: str | Path) -> Complaints:
        """Status 2, one line on stderr that contains @what, nothing on stdout, and no secret anywhere."""
        result = self.check(*options)
        lines = result.stderr.splitlines()
        complaints = [] if result.returncode == 2 else [f"status {result.returncode}"]
        if len(lines) != 1 or what not in lines[0]:
            complaints.append(f"printed {lines} instead of one line with {what!r}")
        if result.stdout or SECRET in result.stderr:
            complaints.append("printed other output, or the secret")
        return complaints

    def hidden(self) -> Complaints:
        """Secrets are removed from the command line before the server reads any file."""
        return [*self.hidden_while_reading("--users-file", ""), *self.hidden_while_reading("--config", "user = ")]

    def hidden_while_reading(self, option: str, key: str) -> Complaints:
        """The server is stopped before it opens a file, whose lines are users, after @key."""
        users = self.file(f"users{option}", f"{key}bob:{SECRET}\n")
        command = [str(self.turnpike), "serve", "--check-config", *LISTEN, "--user", f"alice:{SECRET}",
                   f"--auth-secret={SECRET}", option, str(users)]
        # The address sanitizer must be loaded first, unless verify_asan_link_order is off.
        env = {**os.environ, "LD_PRELOAD": str(self.stop_at_open), "STOP_AT_OPEN": str(users),
               "ASAN_OPTIONS": "verify_asan_link_order=0"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            seen = Path(f"/proc/{process.pid}/cmdline").read_text()
            process.send_signal(signal.SIGCONT)
            stdout, stderr = process.communicate(timeout=20)
        complaints = [] if process.returncode == 0 else [f"{option}: status {process.returncode}: {stderr}"]
        if "--user\0***" not in seen or "--auth-secret=***" not in seen or str(users) not in seen:
            complaints.append(f"{option}: the command line is {seen!r}")
        if SECRET in seen + stdout + stderr:
            complaints.append(f"{option}: the secret is visible")
        if "users: 2, secrets: 1;" not in stdout:
            complaints.append(f"{option}: some users or secrets are missing: {stdout}")
        return complaints

    def summary(self) -> Complaints:
        """--check-config prints what would be served, without a secret."""
        config = self.file("good.conf", f"listen = 127.0.0.1:34780\nlisten = 192.0.2.1\nuser = alice:{SECRET}\n"
                                        "external-ip = 203.0.113.9/127.0.0.1\nlog-level = error\n")
        result = self.check("--config", config, env={"TURNPIKE_AUTH_SECRET": SECRET})
        wanted = ["127.0.0.1:34780 over udp tcp", "127.0.0.1 (mapped to 203.0.113.9)",
                  "missing:    192.0.2.1:3478: the host does not have this address",
                  "users: 1, secrets: 1; realm: turnpike"]
        complaints = [f"{line!r} is missing" for line in wanted if line not in result.stdout]
        if result.returncode or result.stderr or SECRET in result.stdout:
            complaints.append(f"status {result.returncode}, printed {result.stderr!r}, {result.stdout!r}")
        return complaints

    def places(self) -> Complaints:
        """Errors name file and line."""
        bad = self.file("bad.conf", f"# a comment\nlisten = 192.0.2.1\nuser = {SECRET}\n")
        users = self.file("users", f"alice:{SECRET}\n\n{SECRET}\n")
        twice = self.file("twice", f"alice:{SECRET}\nalice:{SECRET}\n")
        coturn = self.file("turnserver.conf", f"listening-ip=192.0.2.1\npsql-userdb=\"password={SECRET}\"\n")
        return [*self.refused(f"{bad}:3: user: expected", "--config", bad),
                *self.refused(f"{users}:3: expected", *LISTEN, "--users-file", users),
                *self.refused("--user alice: cannot add the user: it appears twice", *LISTEN, "--users-file", twice),
                *self.refused(f"{coturn}:2: psql-userdb cannot be converted", "--coturn-config", coturn),
                *self.refused("cannot read /nonexistent", "--config", "/nonexistent"),
                *self.refused("no such user", *LISTEN, "--run-as", "nobody-of-that-name")]

    def readers(self) -> Complaints:
        """World-readable files with secrets cause a warning, files that others can write an error."""
        secrets = self.file("secrets", f"{SECRET}\n")
        quiet = self.check(*LISTEN, "--auth-secret-file", secrets).stderr
        secrets.chmod(0o644)
        warned = self.check(*LISTEN, "--auth-secret-file", secrets).stderr
        complaints = []
        for mode in (0o620, 0o602):
            secrets.chmod(mode)
            complaints += self.refused(f"{secrets} contains secrets and others can write it", *LISTEN,
                                       "--auth-secret-file", secrets)
        right = "readable" not in quiet and f"{secrets} contains secrets and is world-readable" in warned
        return complaints if right else [*complaints, quiet, warned]

    def key(self) -> Complaints:
        """Prints the keys of RFC 8489 in the form that the server accepts."""
        printed = run(self.turnpike, "key", "--user", "alice", "--realm", "example.org", stdin=f"{SECRET}\n").stdout
        text = f"alice:example.org:{SECRET}".encode()
        wanted = f"alice:0x{hashlib.md5(text).hexdigest()}\nalice:0x{hashlib.sha256(text).hexdigest()}\n"
        if printed != wanted:
            return [f"printed {printed!r}, not {wanted!r}"]
        result = self.check(*LISTEN, "--realm", "example.org", "--users-file", self.file("keys", printed))
        return [] if result.returncode == 0 and "users: 2," in result.stdout else [result.stderr]

    def readme_config(self) -> Complaints:
        """The file in the README is valid on a machine with an address and the files that it names."""
        text = re.search(r"```ini\n(.*?)```", self.readme.read_text(), re.S)
        if not text:
            return ["the README has no configuration file"]
        lines = [line for line in text[1].splitlines() if line and not line.startswith("#")]
        self.file("readme.conf", text[1])
        made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-subj", "/CN=t", "-keyout", self.scratch / "key.pem", "-out", self.scratch / "cert.pem")
        self.file("auth-secret", f"{SECRET}\n")
        # A private /etc has the files; the libraries need nothing else there.
        inside = ("ip link set lo up && ip link add nic type veth peer name other && ip link set other up && "
                  "ip address add 10.0.0.5/24 dev nic && ip link set nic up && "
                  "mount -t tmpfs none /etc && mkdir /etc/turnpike && "
                  "cp \"$1\"/*.pem \"$1\"/auth-secret /etc/turnpike && cp \"$1\"/readme.conf /etc/turnpike.conf && "
                  "exec \"$2\" serve --config /etc/turnpike.conf --check-config")
        result = run("unshare", "--mount", "--net", "sh", "-c", inside, "sh", self.scratch, self.turnpike)
        complaints = [] if made.returncode == 0 and result.returncode == 0 else [made.stderr, result.stderr]
        if "warning" in result.stderr or "10.0.0.5:3478" not in result.stdout or "over tls dtls" not in result.stdout:
            complaints.append(f"{result.stdout}{result.stderr}")
        if not 0 < len(lines) <= 10:
            complaints.append(f"it has {len(lines)} lines")
        return complaints


def main() -> int:
    turnpike, readme, stop_at_open = (Path(argument).absolute() for argument in sys.argv[1:4])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="turnpike-config-") as scratch:
        tests = Tests(turnpike, readme, stop_at_open, Path(scratch))
        all_tests: list[Callable[[], Complaints]] = [tests.hidden, tests.summary, tests.places, tests.readers,
                                                     tests.key]
        if os.geteuid() == 0:
            all_tests.append(tests.readme_config)
        else:
            print("SKIPPED: the README's configuration file needs root, for private network and mount namespaces")
        for test in all_tests:
            complaints = test()
            failed += bool(complaints)
            print(f"{'FAILED' if complaints else 'ok    '} {test.__name__}", *complaints, sep="\n    ")
    print(f"{len(all_tests) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
