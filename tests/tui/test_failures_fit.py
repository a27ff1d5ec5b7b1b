"""Every fault of a gateway stands on the Health screen of 80x24 with its whole cause and fix, without scrolling."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Final

from tests.tui.fixture import HEALTHY, Fake, later_draft
from tests.tui.walking import SMALL, walking
from wizard.gateway.catalogue import CATALOGUE
from wizard.gateway.health import ROWS
from wizard.tui.widgets.checks import CheckList
from wizard.verdict import Kind, Verdict, judge

LONG: Final[Mapping[str, object]] = {
    "host": "litellm-gateway.eu-central-1.platform.corp.example",
    "port": 44443,
    "peer": "[2001:db8:1234:5678:9abc:def0:1234:5678]:44443",
    "address": "https://litellm-gateway.eu-central-1.platform.corp.example:44443/team/llm",
    "url": "https://litellm-gateway.eu-central-1.platform.corp.example:44443/team/llm",
    "target": "https://login.microsoftonline.example/0123-4567/oauth2/v2.0/authorize",
    "issuer": "Corp Issuing Authority for Servers G4 of Example Holding AG",
    "names": "llm.corp.example, llm-2.corp.example, gateway.corp.example",
    "proxy": "proxy-fra-07.network.corp.example:3128",
    "where": "HTTPS_PROXY from ~/.claude/settings.json",
    "file": "/usr/local/share/ca-certificates/corp-issuing-authority.crt",
    "reason": "the file holds no certificate that can be read as PEM",
    "advice": "Ask whoever runs the gateway for a certificate that this machine can verify, and give it as CA file.",
    "seconds": 8.0,
    "status": 503,
    "limit": 262144,
    "time_left": "3 days",
}


def long_facts(kind: Kind) -> dict[str, object]:
    texts = f"{kind.cause} {kind.fix}"
    named = {name for _, name, _, _ in string.Formatter().parse(texts) if name}
    return {name: LONG.get(name, f"a longer {name} than usual") for name in named}


def failures() -> dict[str, Verdict]:
    """Return every fault that a row of the Health screen can show, its facts as long as they get."""
    kinds = {name: kind for name, kind in CATALOGUE.items() if kind.status == "fail" and not name.startswith("key-")}
    return {name: judge(CATALOGUE, "gateway.tls", name, ms=8000, **long_facts(kind)) for name, kind in kinds.items()}


async def test_each_of_them() -> None:
    waiting = [judge(CATALOGUE, row, "not-tried", reason="TLS has to work first.") for row, _ in ROWS[3:]]
    found = failures()
    assert len(found) > 40
    too_long = []
    async with walking(later_draft(), Fake(health=HEALTHY), SMALL) as walk:
        await walk.press("enter")
        for name, verdict in found.items():
            walk.fake.health = (*HEALTHY[:2], verdict, *waiting)
            await walk.press("ctrl+r")
            shown = "".join(walk.text().split()).replace("failed8.0s", "", 1)  # the column beside the cause
            whole = all("".join(text.split()) in shown for text in (verdict.cause, verdict.fix))
            if not whole or walk.app.screen.query_one(CheckList).max_scroll_y:
                too_long.append(name)
        assert too_long == []
        endless = Verdict("gateway.tls", "fail", "x", "It fails. " * 80, "Mend it.", {})
        walk.fake.health = (*HEALTHY[:2], endless, *waiting)
        await walk.press("ctrl+r")
        assert walk.app.screen.query_one(CheckList).max_scroll_y, "what is too long is seen to be"
