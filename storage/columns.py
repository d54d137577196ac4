"""The few column types that SQLite STRICT tables and PostgreSQL both keep faithfully.

SQLite STRICT refuses the names that SQLAlchemy renders for String, BigInteger, Boolean, DateTime
and JSON, so the schema uses only these.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import REAL, BigInteger, Double, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Int64 = BigInteger().with_variant(Integer(), "sqlite")
# microseconds since 1970-01-01 UTC
Micros = Int64
# eight bytes on both databases
Real: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")


class Flag(TypeDecorator[bool]):
    """True or False, stored as 1 or 0 on both databases."""

    impl = Int64
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class JsonText(TypeDecorator[Any]):
    """A JSON value as canonical text: sorted keys, no spaces, no NaN."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
