"""A team file over the network: https only, small, soon, and never sent elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urljoin

from wizard.answers import Gateway
from wizard.fields import unsafe
from wizard.gateway.catalogue import CATALOGUE
from wizard.gateway.way import way_to
from wizard.machine.model import Machine
from wizard.net.address import Address, AddressError, parse_address
from wizard.net.fault import Fault
from wizard.net.http import Response, request
from wizard.record import replace
from wizard.secret import masked_url, redact
from wizard.team import MOST, TeamError
from wizard.verdict import judge

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_HOPS: Final = 3
_LIMIT: Final = 20.0
"""Seconds for all of it."""


def fetch(url: str, machine: Machine, way: Gateway) -> bytes:
    """Return what an https URL answers; authorities and proxy are those of `way`. Raises TeamError."""
    try:
        return asyncio.run(_within_limit(_address(url, url), machine, way))
    except TimeoutError:
        raise TeamError(
            f"{masked_url(url)} did not answer within {_LIMIT:.0f} seconds. Try again, or take a file."
        ) from None


async def _within_limit(address: Address, machine: Machine, way: Gateway) -> bytes:
    async with asyncio.timeout(_LIMIT):
        return await _followed(address, machine, way)


async def _followed(address: Address, machine: Machine, way: Gateway) -> bytes:
    first = address
    for _ in range(_HOPS + 1):
        answer = await _asked(address, machine, way)
        if answer.status not in _REDIRECTS:
            if answer.status != 200:
                raise TeamError(f"{address.url} answers with status {answer.status}. Check the URL, or take a file.")
            return answer.body
        target = urljoin(address.url, answer.headers.get("location", ""))
        address = _address(target, first.url)
        if address.origin != first.origin:
            raise TeamError(
                f"{first.url} leads to another server, {address.origin}. Give the URL there if you trust it."
            )
    raise TeamError(f"{first.url} leads from one place to the next without end. Check the URL.")


def _address(url: str, first: str) -> Address:
    try:
        address = parse_address(url, allow_http=True)
    except AddressError as error:
        raise TeamError(f"{redact(masked_url(first))}: {unsafe(url) or error}") from None
    if address.scheme != "https":
        raise TeamError(
            f"{redact(masked_url(first))}: what comes over http can be changed on the way. Use https, or take a file."
        )
    return address


async def _asked(address: Address, machine: Machine, way: Gateway) -> Response:
    try:
        server = await way_to(replace(way, url=address.url, allow_http=False), machine)
        return await request(server, "GET", "", most=MOST)
    except Fault as fault:
        facts: dict[str, Any] = {"url": address.url, "host": address.host, "port": address.port, **fault.facts}
        try:
            text = judge(CATALOGUE, "gateway.connect", fault.verdict, **facts).cause
        except KeyError:
            text = f"The answer can't be used ({fault.verdict})."
        raise TeamError(f"{address.url} can't be fetched. {text} Check the URL, or take a file.") from None
