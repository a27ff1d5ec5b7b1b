"""The demo's key store: Vault's API as OpenBao answers it, with one KV version 2 engine at `secret`.

Held against a real OpenBao by tests/demo/test_key_store_contract.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import unquote

from wizard.demo.gateway import KEYS, UNKNOWN_KEY, KeyState, key_of
from wizard.demo.http import Reply, Request, in_json

Mood = Literal["well", "sealed", "token-ended", "denied", "no-secret", "deleted", "no-field", "quoted"]
"""What is wrong with the key store, the token, or what is stored."""

TOKEN: Final = "hvs.demo-token-of-the-throw-away-home"  # noqa: S105 - opens nothing but the demo
MOUNT: Final = "secret/"
PATH: Final = "litellm/claude-code"
FIELD: Final = "api_key"
VERSION: Final = "2.7.2"

_METADATA: Final = {
    "created_time": "2026-11-01T09:00:00.000000000Z",
    "custom_metadata": None,
    "deletion_time": "",
    "destroyed": False,
    "version": 2,
}
_DENIED: Final = in_json(403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]})
_BAD_TOKEN: Final = in_json(403, {"errors": ["permission denied"]})
_NOTHING: Final = in_json(404, {"errors": []})


class KeyStore:
    """Answers every request as OpenBao does, in one mood. `key` is what the secret of the tour holds."""

    def __init__(self, mood: Mood = "well", *, key: str = "") -> None:
        self._mood = mood
        self._secrets = _secrets(key or key_of("good"), mood)

    def answer(self, asked: Request) -> Reply:
        """Answer one request."""
        path = unquote(asked.path.removeprefix("/v1/"))
        if path == "sys/health":
            return self._health()
        if path == "sys/seal-status":
            return in_json(200, {"sealed": self._mood == "sealed", "initialized": True, "version": VERSION})
        if self._mood == "sealed":
            return in_json(503, {"errors": ["Vault is sealed"]})
        if asked.headers.get("x-vault-token") != TOKEN or self._mood == "token-ended":
            return _BAD_TOKEN
        if path == "auth/token/lookup-self":
            return _token()
        if path == "auth/token/renew-self" and asked.method in ("POST", "PUT"):
            return in_json(200, {"auth": {"client_token": TOKEN, "lease_duration": 28800, "renewable": True}})
        if path == "sys/internal/ui/mounts":
            return in_json(200, {"data": {"secret": {MOUNT: _MOUNTED}, "auth": {}}})
        if path.startswith("sys/internal/ui/mounts/"):
            return self._mount(path.removeprefix("sys/internal/ui/mounts/"))
        return self._kv(asked, path)

    def _health(self) -> Reply:
        sealed = self._mood == "sealed"
        told = {
            "initialized": True,
            "sealed": sealed,
            "standby": sealed,
            "performance_standby": False,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "version": VERSION,
        }
        return in_json(503 if sealed else 200, told)

    def _mount(self, path: str) -> Reply:
        if path.startswith(MOUNT):
            return in_json(200, {"data": {"path": MOUNT, **_MOUNTED}})
        text = (
            f'preflight capability check returned 403, please ensure client\'s policies grant access to path "{path}/"'
        )
        return in_json(403, {"errors": [text]})

    def _kv(self, asked: Request, path: str) -> Reply:
        inner = path.removeprefix(MOUNT)
        if not path.startswith(MOUNT) or not inner.startswith(("data/", "metadata/")):
            return _DENIED
        if asked.method == "LIST" or (asked.method == "GET" and "list=true" in asked.query):
            return self._names(inner.removeprefix("metadata").strip("/"))
        return self._read(inner.removeprefix("data/")) if inner.startswith("data/") else _DENIED

    def _names(self, folder: str) -> Reply:
        start = f"{folder}/" if folder else ""
        below = [path.removeprefix(start) for path in self._secrets if path.startswith(start)]
        names = sorted({name + slash for name, slash, _ in (each.partition("/") for each in below)})
        return in_json(200, {"data": {"keys": names}}) if names else _NOTHING

    def _read(self, path: str) -> Reply:
        if self._mood == "denied" and path == PATH:
            return _DENIED
        if self._mood == "deleted" and path == PATH:
            gone = {**_METADATA, "deletion_time": "2026-11-20T09:00:00.000000000Z"}
            return in_json(404, {"data": {"data": None, "metadata": gone}})
        fields = self._secrets.get(path)
        return in_json(200, {"data": {"data": fields, "metadata": _METADATA}}) if fields else _NOTHING


_MOUNTED: Final = {"type": "kv", "options": {"version": "2"}, "description": "", "config": {}}


def _token() -> Reply:
    data = {
        "accessor": "demo",
        "creation_ttl": 28800,
        "display_name": "token",
        "meta": None,
        "policies": ["default", "litellm"],
        "renewable": True,
        "ttl": 28740,
        "type": "service",
    }
    return in_json(200, {"data": data})


def _secrets(key: str, mood: Mood) -> Mapping[str, Mapping[str, str]]:
    """Return what is stored: the secret of the tour, and a key in every other state to look around for."""
    field = "apikey" if mood == "no-field" else FIELD
    kept = {PATH: {field: f'"{key}"' if mood == "quoted" else key, "owner": "platform-team"}}
    if mood == "no-secret":
        kept = {"litellm/claude": kept[PATH]}
    states: list[KeyState] = [state for state in KEYS.values() if state != "good"]
    others = {f"litellm/keys/{state}": {FIELD: key_of(state)} for state in states}
    return {**kept, **others, "litellm/keys/unknown": {FIELD: UNKNOWN_KEY}}
