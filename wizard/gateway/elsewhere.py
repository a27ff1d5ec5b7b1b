"""A look around after an answer that is not LiteLLM's: is LiteLLM at another path, and what is it that answers?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from wizard.gateway.answer import describe
from wizard.net.fault import Fault
from wizard.net.http import Response, Server, request
from wizard.record import replace
from wizard.secret import redact

IDENTITY: Final = "/.well-known/litellm-ui-config"
"""Answered without a key by 1.74.9, 1.83.0 and 1.106.2, also below SERVER_ROOT_PATH."""

USUAL_PATHS: Final = ("/litellm", "/llm")
"""Where a gateway that shares a host is put: LiteLLM's own documentation uses the first."""

_LIMIT: Final = 2.5
_LOOKED_INTO: Final = ("wrong-path", "not-litellm", "forbidden", "upstream-down")


async def look_around(server: Server, fault: Fault) -> Fault:
    """Return the fault, or a better one: `wrong-path` with the right URL, or `not-litellm` with the product's name.

    Asks a few more key-less questions at no cost, for 2.5 s at most. Raises nothing.
    """
    if fault.verdict not in _LOOKED_INTO or not (server.address.path or fault.verdict == "wrong-path"):
        return fault
    paths = other_paths(server.address.path)
    try:
        async with asyncio.timeout(_LIMIT):
            *found, product = await asyncio.gather(*(_is_there(server, path) for path in paths), _product(server))
    except TimeoutError:
        return fault
    right = next((path for path, there in zip(paths, found, strict=True) if there), None)
    if right is not None:
        url = replace(server.address, path=right).url
        status = fault.facts.get("status")
        return Fault("wrong-path", status=status, right_url=url, advice=f"Use {url}: LiteLLM answers there.")
    if product and fault.verdict == "wrong-path":
        return Fault("not-litellm", status=fault.facts.get("status"), seen=product)
    return fault


def other_paths(path: str) -> tuple[str, ...]:
    """Return the paths to try instead of this one: everything above it, then the usual ones."""
    parts = path.split("/")[:-1]
    above = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)][:4]
    return tuple(each for each in dict.fromkeys([*above, *USUAL_PATHS]) if each != path)


def is_configuration(answer: Response) -> bool:
    """Whether this is what LiteLLM tells of itself."""
    config = answer.json() if answer.status == 200 else None
    return isinstance(config, Mapping) and {"server_root_path", "proxy_base_url"} <= config.keys()


async def _is_there(server: Server, path: str) -> bool:
    answer = await _ask(replace(server, address=replace(server.address, path=path)), IDENTITY)
    return answer is not None and is_configuration(answer)


async def _product(server: Server) -> str:
    """Say what else answers, as far as it shows."""
    root = replace(server, address=replace(server.address, path=""))
    models, front = await asyncio.gather(_ask(server, "/v1/models"), _ask(root, "/"))
    if front and front.status == 200 and "Ollama is running" in front.text[:200]:
        return "it is Ollama, which has no Anthropic route of LiteLLM's"
    listed = models.json() if models else None
    if not models or not isinstance(listed, Mapping):
        return f"it shows {describe(front)}" if front and front.status == 200 and "page" in describe(front) else ""
    if models.status == 401 and listed.get("type") == "error":
        return "it is the Anthropic API itself, or speaks like it"
    if models.status == 200 and isinstance(listed.get("data"), list):
        return f"it is {_maker(listed['data'])}, which serves models in OpenAI's way"
    return ""


def _maker(models: list[object]) -> str:
    first = models[0] if models else None
    owner = first.get("owned_by") if isinstance(first, Mapping) else None
    return f'"{redact(owner, limit=30)}"' if isinstance(owner, str) and owner else "another server"


async def _ask(server: Server, path: str) -> Response | None:
    try:
        return await request(server, "GET", path)
    except Fault:
        return None
