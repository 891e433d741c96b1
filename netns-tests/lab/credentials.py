# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Time-limited credentials of the TURN REST API (draft-uberti-behave-turn-rest)."""

from __future__ import annotations

import base64
import hmac
import time


def rest_credentials(secret: str, user: str, seconds: int = 3600) -> tuple[str, str]:
    """A user name that is valid for this time, and its password."""
    name = f"{int(time.time()) + seconds}:{user}"
    return name, base64.b64encode(hmac.digest(secret.encode(), name.encode(), "sha1")).decode()
