"""A stand-in for Prisma's Python client, whose query engine is a download that a test machine can't make.

LiteLLM imports it by this name. It speaks to a real PostgreSQL by psycopg, which LiteLLM brings: its own SQL
goes there as it is, and the calls on tables (`find_unique`, `create`, `upsert`, …) become the SQL they stand for. What
the engine does by itself is done here: ids, `updated_at`, time zones, JSON.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

import psycopg  # type: ignore[import-not-found,unused-ignore]
from psycopg.rows import dict_row  # type: ignore[import-not-found,unused-ignore]

from . import errors

__all__ = ["Json", "Prisma", "errors"]

COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "equals": "="}
RELATIONS = {
    "litellm_budget_table": ("LiteLLM_BudgetTable", "budget_id", "budget_id"),
    "litellm_model_table": ("LiteLLM_ModelTable", "model_id", "id"),
    "litellm_organization_table": ("LiteLLM_OrganizationTable", "organization_id", "organization_id"),
    "object_permission": ("LiteLLM_ObjectPermissionTable", "object_permission_id", "object_permission_id"),
    "teams": ("LiteLLM_TeamTable", "organization_id", "organization_id"),
}


def Json(value: object) -> object:  # noqa: N802 - Prisma's own name
    """Return a JSON value as it is."""
    return value


class Row:
    """A row with its columns as attributes; a relation that nobody asked for is None."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.__dict__.update(columns)

    def __getattr__(self, name: str) -> None:
        if name in RELATIONS or name.endswith(("_table", "_memberships", "members")):
            return
        raise AttributeError(name)

    def __iter__(self) -> Any:
        return iter(self.__dict__.items())

    def model_dump(self, **_: object) -> dict[str, Any]:
        return {name: value.model_dump() if isinstance(value, Row) else value for name, value in self.__dict__.items()}

    dict = model_dump

    def json(self, **_: object) -> str:
        return json.dumps(self.model_dump(), default=str)

    model_dump_json = json


class Prisma:
    """One connection, one query at a time."""

    tables: ClassVar[dict[str, dict[str, tuple[str, bool, bool]]]] = {}

    def __init__(self, **_: object) -> None:
        self.lock = asyncio.Lock()
        self.connection: psycopg.AsyncConnection[Any] | None = None
        self.open = False

    async def connect(self, timeout: object = None) -> None:
        self.open = True
        columns = await self.rows(
            "SELECT table_name, column_name, udt_name, is_nullable = 'YES' AS may, column_default IS NOT NULL AS has"
            " FROM information_schema.columns WHERE table_schema = 'public'"
        )
        for each in columns:
            table = self.tables.setdefault(each["table_name"], {})
            table[each["column_name"]] = (each["udt_name"], each["may"], each["has"])

    async def connected(self) -> psycopg.AsyncConnection[Any]:
        """Return the connection, made anew when the server closed it, as the engine's pool does."""
        if self.connection is None or self.connection.closed:
            url = os.environ["DATABASE_URL"].partition("?")[0]
            self.connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, row_factory=dict_row, cursor_factory=psycopg.AsyncRawCursor
            )
            await self.connection.execute("SET TIME ZONE 'UTC'")
        return self.connection

    async def disconnect(self, timeout: object = None) -> None:
        if self.connection is not None:
            await self.connection.close()
        self.connection, self.open = None, False

    def is_connected(self) -> bool:
        return self.open

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Run SQL with $1, $2, … and return its rows."""
        if not self.open:
            raise errors.ClientNotConnectedError("not connected")
        listed = [list(each) if isinstance(each, tuple | set) else each for each in values]
        async with self.lock:
            try:
                cursor = await (await self.connected()).execute(sql, listed)
            except psycopg.errors.UniqueViolation as error:
                raise errors.UniqueViolationError(str(error)) from error
            except psycopg.OperationalError as error:
                lost = errors.DataError(f"Can't reach database server: {error}")
                lost.code = "P1001"
                raise lost from error
            except psycopg.Error as error:
                raise errors.RawQueryError(f"{error} in {sql}") from error
            if cursor.description is None:
                return [{"count": cursor.rowcount}]
            rows: list[dict[str, Any]] = await cursor.fetchall()
            return rows

    async def query_raw(self, query: str, *values: object, **_: object) -> list[dict[str, Any]]:
        return [{name: as_engine(value) for name, value in row.items()} for row in await self.rows(query, *values)]

    async def query_first(self, query: str, *values: object, **_: object) -> dict[str, Any] | None:
        return next(iter(await self.query_raw(query, *values)), None)

    async def execute_raw(self, query: str, *values: object) -> int:
        rows = await self.rows(query, *values)
        return rows[0].get("count", len(rows)) if rows else 0

    def batch_(self) -> Batch:
        return Batch(self)

    def tx(self, **_: object) -> Transaction:
        return Transaction(self)

    def __getattr__(self, name: str) -> Table:
        if name.startswith("litellm_"):
            for table, columns in self.tables.items():
                if table.lower() == name:
                    return Table(self, table, columns)
        raise AttributeError(name)


class Transaction:
    """Nothing here needs one."""

    def __init__(self, client: Prisma) -> None:
        self.client = client

    async def __aenter__(self) -> Prisma:
        return self.client

    async def __aexit__(self, *_: object) -> None:
        """Leave it all as it is."""

    start = __aenter__


class Batch:
    """Calls that are made at the end, one after the other."""

    def __init__(self, client: Prisma) -> None:
        self.client = client
        self.calls: list[Any] = []

    async def __aenter__(self) -> Batch:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self.commit()

    async def commit(self) -> None:
        for call in self.calls:
            await call()
        self.calls.clear()

    def query_raw(self, query: str, *values: object) -> None:
        self.calls.append(lambda: self.client.query_raw(query, *values))

    def execute_raw(self, query: str, *values: object) -> None:
        self.calls.append(lambda: self.client.execute_raw(query, *values))

    def __getattr__(self, table: str) -> Any:
        batch = self

        class Later:
            def __getattr__(self, name: str) -> Any:
                call = getattr(getattr(batch.client, table), name)
                return lambda **options: batch.calls.append(lambda: call(**options))

        return Later()


class Table:
    """The calls on one table."""

    def __init__(self, client: Prisma, name: str, columns: Mapping[str, tuple[str, bool, bool]]) -> None:
        self.client = client
        self.name = name
        self.columns = columns

    async def find_many(
        self, where: Any = None, include: Any = None, order: Any = None, take: Any = None, skip: Any = None, **_: object
    ) -> list[Row]:
        values: list[object] = []
        sql = f'SELECT * FROM "{self.name}" WHERE {self.condition(where or {}, values)}'
        orders = [order] if isinstance(order, Mapping) else order or []
        if named := [f'"{name}" {how}' for each in orders for name, how in each.items() if isinstance(how, str)]:
            sql += " ORDER BY " + ", ".join(named)
        sql += f" LIMIT {int(take)}" if take else ""
        sql += f" OFFSET {int(skip)}" if skip else ""
        return [await self.row(each, include) for each in await self.client.rows(sql, *values)]

    async def find_first(self, where: Any = None, **options: Any) -> Row | None:
        return next(iter(await self.find_many(where, **options)), None)

    find_unique = find_first

    async def count(self, where: Any = None, **_: object) -> int:
        return len(await self.find_many(where))

    async def group_by(self, *_: object, **__: object) -> list[Any]:
        return []

    async def create(self, data: Mapping[str, Any], include: Any = None) -> Row:
        values: list[object] = []
        given = {**self.by_engine(), **self.plain(data)}
        names = ", ".join(f'"{name}"' for name in given)
        marks = ", ".join(self.mark(name, value, values) for name, value in given.items())
        (row,) = await self.client.rows(f'INSERT INTO "{self.name}" ({names}) VALUES ({marks}) RETURNING *', *values)
        return await self.row(row, include)

    async def create_many(self, data: Any, skip_duplicates: bool = False) -> int:
        for each in data:
            try:
                await self.create(each)
            except errors.UniqueViolationError:
                if not skip_duplicates:
                    raise
        return len(data)

    async def update_many(self, where: Any, data: Mapping[str, Any]) -> int:
        return len(await self.updated(where, data))

    async def update(self, where: Any, data: Mapping[str, Any], include: Any = None) -> Row | None:
        rows = await self.updated(where, data)
        return await self.row(rows[0], include) if rows else None

    async def upsert(self, where: Any, data: Mapping[str, Any], include: Any = None) -> Row | None:
        if await self.find_first(where) is None:
            return await self.create(data["create"], include)
        return await self.update(where, data["update"], include)

    async def delete_many(self, where: Any = None) -> int:
        values: list[object] = []
        sql = f'DELETE FROM "{self.name}" WHERE {self.condition(where or {}, values)} RETURNING 1'
        return len(await self.client.rows(sql, *values))

    async def delete(self, where: Any, **_: object) -> Row | None:
        found = await self.find_first(where)
        await self.delete_many(where)
        return found

    async def updated(self, where: Any, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        values: list[object] = []
        sets = [self.set_to(name, value, values) for name, value in self.plain(data).items()]
        if "updated_at" in self.columns and "updated_at" not in data:
            sets.append('"updated_at" = now()')
        if not sets:
            return []
        sql = f'UPDATE "{self.name}" SET {", ".join(sets)} WHERE {self.condition(where, values)} RETURNING *'
        return await self.client.rows(sql, *values)

    def set_to(self, name: str, value: Any, values: list[object]) -> str:
        if isinstance(value, Mapping) and len(value) == 1 and not self.is_json(name):
            ((what, operand),) = value.items()
            if what in ("increment", "decrement"):
                sign = "+" if what == "increment" else "-"
                return f'"{name}" = COALESCE("{name}", 0) {sign} {self.mark(name, operand, values)}'
            if what == "push":
                return f'"{name}" = "{name}" || {self.mark(name, operand, values)}'
            value = operand
        return f'"{name}" = {self.mark(name, value, values)}'

    def by_engine(self) -> dict[str, object]:
        """The values of required columns that Prisma's engine makes, not the database."""
        made: dict[str, object] = {}
        for name, (kind, may_be_null, has_default) in self.columns.items():
            if not may_be_null and not has_default:
                made[name] = datetime.datetime.now(datetime.UTC) if kind.startswith("timestamp") else str(uuid.uuid4())
        return made

    def plain(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The columns in what is to be written, with relations as the ids they stand for."""
        given: dict[str, Any] = {}
        for name, value in data.items():
            if name in self.columns:
                given[name] = value
            elif name in RELATIONS and isinstance(value, Mapping) and "connect" in value:
                _, local, remote = RELATIONS[name]
                given[local] = value["connect"][remote]
        return given

    def condition(self, where: Mapping[str, Any], values: list[object]) -> str:
        parts = [self.term(name, wanted, values) for name, wanted in where.items()]
        return " AND ".join(parts) or "TRUE"

    def term(self, name: str, wanted: Any, values: list[object]) -> str:
        if name in ("AND", "OR", "NOT"):
            each = wanted if isinstance(wanted, list) else [wanted]
            glue = " OR " if name == "OR" else " AND "
            inside = "(" + glue.join(f"({self.condition(one, values)})" for one in each) + ")"
            return f"NOT {inside}" if name == "NOT" else inside
        if name not in self.columns:  # the name of a key of several columns, or a relation
            return f"({self.condition(wanted, values)})" if name.count("_") and isinstance(wanted, Mapping) else "TRUE"
        if wanted is None:
            return f'"{name}" IS NULL'
        if not isinstance(wanted, Mapping):
            return f'"{name}" = {self.mark(name, wanted, values)}'
        return " AND ".join(self.compared(name, how, operand, values) for how, operand in wanted.items()) or "TRUE"

    def compared(self, name: str, how: str, operand: Any, values: list[object]) -> str:
        if how in COMPARISONS:
            return f'"{name}" {COMPARISONS[how]} {self.mark(name, operand, values)}'
        if how in ("in", "not_in"):
            listed = ", ".join(self.mark(name, one, values) for one in operand)
            return f'"{name}" {"IN" if how == "in" else "NOT IN"} ({listed or "NULL"})'
        if how == "not":
            return f'"{name}" IS NOT NULL' if operand is None else f'"{name}" <> {self.mark(name, operand, values)}'
        if how == "has":
            values.append(operand)
            return f'${len(values)} = ANY("{name}")'
        return "TRUE"

    def is_json(self, name: str) -> bool:
        return self.columns[name][0] in ("json", "jsonb")

    def mark(self, name: str, value: Any, values: list[object]) -> str:
        """Add a value and return its place in the SQL."""
        kind = self.columns[name][0]
        if self.is_json(name) and value is not None and not isinstance(value, str):
            value = json.dumps(value, default=str)
        values.append(value)
        if kind.startswith("timestamp") and kind != "timestamptz":
            return f"(${len(values)}::timestamptz AT TIME ZONE 'UTC')"
        return f"${len(values)}::{kind[1:] + '[]' if kind.startswith('_') else kind}"

    async def row(self, found: Mapping[str, Any], include: Any) -> Row:
        row = Row({name: in_utc(value) for name, value in found.items()})
        for relation in include or ():
            other, local, remote = RELATIONS.get(relation, ("", "", ""))
            if not other:
                setattr(row, relation, [])
            elif found.get(local) is not None:
                table = Table(self.client, other, self.client.tables[other])
                setattr(row, relation, await table.find_first({remote: found[local]}))
        return row


def in_utc(value: Any) -> Any:
    """Return a moment with its time zone, as Prisma does."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.UTC)
    return value


def as_engine(value: Any) -> Any:
    """Return a value as Prisma's engine writes it into the JSON of a raw query."""
    value = in_utc(value)
    return value.isoformat() if isinstance(value, datetime.datetime) else value
