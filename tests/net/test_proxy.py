"""The proxy, chosen as Claude Code chooses it (facts seen with 2.1.197 and 2.1.330)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.net.address import parse_address
from wizard.net.fault import Fault
from wizard.net.proxy import choose_proxy

GATEWAY = parse_address("https://llm.corp.example:4000")
LOOPBACK = parse_address("http://127.0.0.1:4000")
PROXY = {"HTTPS_PROXY": "http://proxy.corp.example:3128"}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize("address", [GATEWAY, LOOPBACK], ids=str)
def test_every_variable_serves_every_address_loopback_too(name: str, address: object) -> None:
    found = choose_proxy(address, {name: "http://proxy.corp.example:3128"})  # type: ignore[arg-type]
    assert found and (found.shown, found.where) == ("proxy.corp.example:3128", name)


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("llm.corp.example", True),
        ("LLM.corp.example", True),
        ("other.example, llm.corp.example", True),
        ("other.example llm.corp.example", True),
        ("*", True),
        (".corp.example", True),
        (".llm.corp.example", True),
        ("llm.corp.example:4000", True),
        ("llm.corp.example:443", False),
        ("corp.example", False),
        ("xllm.corp.example", False),
        (".orp.example", False),
        ("", False),
        (", ,", False),
    ],
)
def test_hosts_without_proxy(no_proxy: str, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert (choose_proxy(GATEWAY, {**PROXY, name: no_proxy}) is None) is direct
    assert (choose_proxy(GATEWAY, PROXY, no_proxy=no_proxy) is None) is direct


@pytest.mark.parametrize(("newest", "direct"), [(True, True), (False, False)])
def test_networks_and_all_proxy_are_for_newer_claude_code(newest: bool, direct: bool) -> None:
    assert (choose_proxy(LOOPBACK, {**PROXY, "NO_PROXY": "127.0.0.0/8"}, newest=newest) is None) is direct
    assert (choose_proxy(LOOPBACK, {"ALL_PROXY": "http://p:1"}, newest=newest) is not None) is newest


def test_the_answers_win_over_the_environment() -> None:
    found = choose_proxy(GATEWAY, PROXY, proxy="http://mine:8080")
    assert found and (found.shown, found.where) == ("mine:8080", "gateway.proxy")


def test_a_password_is_never_shown() -> None:
    found = choose_proxy(GATEWAY, {"HTTPS_PROXY": "http://ada:can%40ary@p:1"})
    assert found and found.credentials
    assert found.credentials.reveal() == "ada:can@ary"
    assert "ary" not in f"{found} {found!r} {found.shown}"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_proxy_or_a_fault(url: str, no_proxy: str) -> None:
    try:
        choose_proxy(GATEWAY, {"HTTPS_PROXY": url, "NO_PROXY": no_proxy})
    except Fault as fault:
        assert fault.verdict == "proxy-invalid"
