"""The proxy, chosen as Claude Code chooses it (facts seen with 2.1.197 and 2.1.330)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.net.address import Address, parse_address
from wizard.net.fault import Fault
from wizard.net.proxy import choose_proxy, proxy_depends_on_version

GATEWAY = parse_address("https://llm.corp.example:4000")
LOOPBACK = parse_address("http://127.0.0.1:4000")
PROXY = {"HTTPS_PROXY": "http://proxy.corp.example:3128"}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize("address", [GATEWAY, LOOPBACK], ids=str)
def test_case_68_every_variable_serves_every_address_loopback_too(name: str, address: object) -> None:
    found = choose_proxy(address, {name: "http://proxy.corp.example:3128"})  # type: ignore[arg-type]
    assert found and (found.shown, found.where) == ("proxy.corp.example:3128", name)


IP = parse_address("https://127.0.0.1:4000")
NO_PROXY = [
    # pattern, 2.1.330 goes directly, 2.1.197 goes directly: as seen at a proxy that kept a log
    ("llm.corp.example", True, True),
    ("LLM.corp.EXAMPLE", True, True),
    ("corp.example", True, True),
    ("example", True, True),
    (".corp.example", True, True),
    (".llm.corp.example", True, True),
    ("*.corp.example", True, False),
    ("*.example", True, False),
    ("llm.corp.example.", True, False),
    ("*", True, True),
    ("a,*", True, True),
    ("llm.corp.example:4000", True, True),
    ("llm.corp.example:1", False, False),
    ("other, llm.corp.example", True, True),
    ("other llm.corp.example", True, False),
    ("other\tllm.corp.example", True, False),
    (" llm.corp.example ", True, True),
    ("other;llm.corp.example", False, False),
    ("llm.*", False, False),
    ("*llm.corp.example", False, False),
    ("http://llm.corp.example", False, False),
    ("m.corp.example", False, False),
    (".orp.example", False, False),
    ("127.0.0.0/8", False, False),
    ("", False, False),
    (", ,", False, False),
]
NETWORKS = [
    ("127.0.0.1", True, True),
    ("127.0.0.1:4000", True, True),
    ("127.0.0.0/8", True, False),
    ("127.0.0.1/8", True, False),
    ("127.0.0.1/32", True, False),
    ("0.0.0.0/0", True, False),
    ("::ffff:127.0.0.1", True, False),
    ("10.0.0.0/8", False, False),
    ("127.0.0.0/33", False, False),
    ("127.*", False, False),
    ("127.0.0.", False, False),
    ("127.0.0.1-127.0.0.9", False, False),
    ("localhost", False, False),
]


@pytest.mark.parametrize(
    ("address", "no_proxy", "newest", "direct"),
    [(address, pattern, newest, direct)
     for address, table in ((GATEWAY, NO_PROXY), (IP, NETWORKS))
     for pattern, *seen in table
     for newest, direct in zip((True, False), seen, strict=True)],
)  # fmt: skip
def test_case_68_hosts_without_proxy(address: Address, no_proxy: str, newest: bool, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert (choose_proxy(address, {**PROXY, name: no_proxy}, newest=newest) is None) is direct
    assert (choose_proxy(address, PROXY, no_proxy=no_proxy, newest=newest) is None) is direct


def test_of_two_spellings_the_lower_case_one_wins() -> None:
    both = {"no_proxy": "x", "NO_PROXY": "llm.corp.example"}
    assert choose_proxy(GATEWAY, {**PROXY, **both}) is not None
    assert choose_proxy(GATEWAY, {**PROXY, **both, "no_proxy": ""}) is None
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
    env = {name: f"http://{place}:1" for place, name in enumerate(names)}
    for name in names:
        found = choose_proxy(GATEWAY, env)
        assert found and found.where == name
        del env[name]


@pytest.mark.parametrize("value", ["http://p:1", "http://p:1/path?x", " http://p:1 ", "HTTP://p:1", "p:1"])
def test_a_proxy_written_in_other_ways(value: str) -> None:
    for newest in (True, False):
        found = choose_proxy(GATEWAY, {"HTTPS_PROXY": value}, newest=newest)
        assert found and found.shown == "p:1"


def test_what_only_the_newer_one_can_read() -> None:
    for value in ("127.0.0.1:3128", "http://ada@p:1"):
        assert choose_proxy(GATEWAY, {"HTTPS_PROXY": value})
        with pytest.raises(Fault):
            choose_proxy(GATEWAY, {"HTTPS_PROXY": value}, newest=False)


def test_case_68_a_proxy_that_is_no_url_stops_claude_code_whatever_no_proxy_says() -> None:
    for newest in (True, False):
        with pytest.raises(Fault):
            choose_proxy(GATEWAY, {"HTTPS_PROXY": "nonsense", "NO_PROXY": "*"}, newest=newest)
        assert choose_proxy(GATEWAY, {"HTTPS_PROXY": "socks5://p:1", "NO_PROXY": "*"}, newest=newest) is None
    assert choose_proxy(GATEWAY, {"ALL_PROXY": "nonsense", "NO_PROXY": "*"}) is None


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks", "ftp"])
def test_case_68_a_proxy_of_another_kind(scheme: str) -> None:
    with pytest.raises(Fault):
        choose_proxy(GATEWAY, {"HTTPS_PROXY": f"{scheme}://p:1"})
    assert choose_proxy(GATEWAY, {"ALL_PROXY": f"{scheme}://p:1"}) is None, "there it is passed over"


def test_all_proxy_is_for_newer_claude_code() -> None:
    for newest in (True, False):
        assert (choose_proxy(LOOPBACK, {"ALL_PROXY": "http://p:1"}, newest=newest) is not None) is newest
    assert proxy_depends_on_version(LOOPBACK, {"ALL_PROXY": "http://p:1"})
    assert not proxy_depends_on_version(LOOPBACK, PROXY)


def test_the_answers_win_over_the_environment() -> None:
    found = choose_proxy(GATEWAY, PROXY, proxy="http://mine:8080")
    assert found and (found.shown, found.where) == ("mine:8080", "gateway.proxy")


def test_case_68_a_password_is_never_shown() -> None:
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
