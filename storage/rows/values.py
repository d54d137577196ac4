"""Shapes shared by the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# a JSON object as the ledger stores it
Json = Mapping[str, Any]
