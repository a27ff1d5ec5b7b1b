"""Asks two servers the same, and tells what the wizard would read of each answer."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

_CHANGING: Final = (
    (re.compile(r"[0-9a-f]{64}"), "HASH"),
    (re.compile(r"sk-\.\.\.[\w-]{4}"), "sk-...HINT"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?"), "TIME"),
    (re.compile(r"(?<=Team=)[\w-]+"), "TEAM"),
    (re.compile(r"(?<=cost: )[\d.e-]+|(?<=budget: )[\d.e-]+"), "AMOUNT"),
)
"""What differs from key to key and from moment to moment."""

_HEADERS: Final = ("content-type", "location", "server", "www-authenticate", "x-litellm-version")
"""The headers that the wizard reads, without those that every server sends."""


def ask(
    url: str, method: str, path: str, headers: Mapping[str, str] | None = None, body: object = None
) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body."""
    data = None if body is None else json.dumps(body).encode()
    sent = {**({"Content-Type": "application/json"} if data else {}), **(headers or {})}
    asked = urllib.request.Request(f"{url}{path}", data, sent, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, dict(answer.headers.items()), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers.items()), error.read()


def read_parts(answer: tuple[int, Mapping[str, str], bytes], *, whole: bool) -> dict[str, Any]:
    """Return what counts of an answer: with `whole` all of its JSON, else only which keys are in it."""
    status, headers, body = answer
    lower = {name.lower(): value for name, value in headers.items()}
    told = {name: lower.get(name, "").partition(";")[0] for name in _HEADERS}
    return {"status": status, "has a date": "date" in lower, **told, "body": _body(body, whole=whole)}


def _body(body: bytes, *, whole: bool) -> Any:
    try:
        read = json.loads(body)
    except ValueError:
        found = re.search(rb"<title>([^<]*)", body)
        return found[1].decode() if found else bool(body)
    return _steady(read) if whole else _shape(read)


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _steady(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_steady(each) for each in value]
    if isinstance(value, str):
        for pattern, word in _CHANGING:
            value = pattern.sub(word, value)
    return value


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: type(each).__name__ for name, each in value.items()}
    return value


def part(answer: tuple[int, Mapping[str, str], bytes], *names: str) -> Any:
    """Return a part of a JSON answer."""
    read = json.loads(answer[2])
    for name in names:
        read = read[name]
    return read
