# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks answers of the server against docs/json.schema.json."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from lab import ROOT
from lab.complaints import Complaints

SCHEMA = json.loads((ROOT / "docs/json.schema.json").read_text())


def schema_complaints(answer: Any, command: str) -> Complaints:
    """Where an answer to a command differs from its schema."""
    validator = jsonschema.Draft201909Validator({"$ref": f"#/$defs/{command}", "$defs": SCHEMA["$defs"]})
    return [f"{command}: {error.json_path}: {error.message}" for error in validator.iter_errors(answer)]
