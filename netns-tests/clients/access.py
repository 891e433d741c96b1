# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How a client reaches the relay: by which transport and family, and with which credentials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab import proc
from lab.account import give
from lab.connected import TLS_PORT, tls_options
from lab.credentials import rest_credentials
from lab.lab import Lab
from lab.relay import PASSWORD, PORT, USER
from lab.topology import FAMILIES

SECRET = "north"  # of time-limited credentials
KEY_TYPE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")


@dataclass(frozen=True)
class Access:
    transport: str = "udp"
    family: int = 4
    time_limited: bool = False  # credentials of the TURN REST API

    @property
    def is_stream(self) -> bool:
        return self.transport in ("tcp", "tls")

    @property
    def is_secure(self) -> bool:
        return self.transport in ("tls", "dtls")

    def address(self, lab: Lab) -> tuple[str, int]:
        return lab.topology.listen.address(self.family), TLS_PORT if self.is_secure else PORT

    def authority(self, lab: Lab) -> str:
        """Address and port, as in a URL."""
        host, port = self.address(lab)
        return f"{host}:{port}" if self.family == 4 else f"[{host}]:{port}"

    def credentials(self) -> tuple[str, str]:
        """The user name and the password."""
        return rest_credentials(SECRET, USER) if self.time_limited else (USER, PASSWORD)


def ca_certificate(lab: Lab) -> Path:
    """For clients; server_options() makes it."""
    return lab.scratch / "ca.pem"


def server_options(lab: Lab) -> list[str]:
    """The options of `turnpike serve` for all transports and credentials."""
    certificate, key, secret = (lab.scratch / name for name in ("relay.pem", "relay.key", "secret"))
    if not certificate.exists():
        _make_certificates(lab, certificate, key)
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        for path in (certificate, key, secret):
            give(path)
    return [*tls_options(lab, certificate, key), "--auth-secret-file", str(secret)]


def _make_certificates(lab: Lab, certificate: Path, key: Path) -> None:
    """An authority of this lab, and its certificate for the addresses of the relay."""
    authority_key = lab.scratch / "ca.key"
    names = ",".join(f"IP:{lab.topology.listen.address(family)}" for family in FAMILIES)
    proc.run(["openssl", "req", "-x509", *KEY_TYPE, "-keyout", str(authority_key), "-out", str(ca_certificate(lab)),
              "-subj", "/CN=The lab's authority", "-addext", "keyUsage=critical,keyCertSign"])
    proc.run(["openssl", "req", "-x509", *KEY_TYPE, "-keyout", str(key), "-out", str(certificate),
              "-CA", str(ca_certificate(lab)), "-CAkey", str(authority_key), "-subj", "/CN=The relay",
              "-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName={names}"])
