"""One reading of a URL: what is taken, what is refused, and why."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.net.address import Address, AddressError, parse_address

TAKEN = {
    "https://llm.corp.example:4000": "https://llm.corp.example:4000",
    "https://llm.corp.example": "https://llm.corp.example",
    "https://llm.corp.example:443/": "https://llm.corp.example",
    "HTTPS://LLM.Corp.Example": "https://llm.corp.example",
    "  https://llm.corp.example  ": "https://llm.corp.example",
    "https://llm.corp.example/v1": "https://llm.corp.example",
    "https://llm.corp.example/v1/": "https://llm.corp.example",
    "https://llm.corp.example/llm/v1": "https://llm.corp.example/llm",
    "https://llm.corp.example/llm/": "https://llm.corp.example/llm",
    "https://llm.corp.example/v1beta": "https://llm.corp.example/v1beta",
    "https://llm.corp.example:0443": "https://llm.corp.example",
    "https://xn--mnchen-3ya.de": "https://xn--mnchen-3ya.de",
    "https://10.2.3.4:4000": "https://10.2.3.4:4000",
    "https://[2001:DB8:0::1]:4000": "https://[2001:db8::1]:4000",
    "http://localhost:4000": "http://localhost:4000",
    "http://127.0.0.1:4000": "http://127.0.0.1:4000",
    "http://127.9.9.9": "http://127.9.9.9",
    "http://[::1]:80": "http://[::1]",
}

REFUSED = {
    "": "empty",
    "   ": "empty",
    "llm.corp.example:4000": "scheme",
    "//llm.corp.example": "scheme",
    "https:/llm.corp.example": "scheme",
    "ftp://llm.corp.example": "scheme",
    "file:///etc/passwd": "scheme",
    "javascript://llm.corp.example": "scheme",
    "https://": "host",
    "https:///v1": "host",
    "https://user@llm.corp.example": "userinfo",
    "https://user:pass@llm.corp.example": "userinfo",
    "https://@llm.corp.example": "userinfo",
    "https://llm.corp.example?x=1": "query",
    "https://llm.corp.example/?": "query",
    "https://llm.corp.example#top": "fragment",
    "https://llm.corp.example/#": "fragment",
    "https://llm.corp.example:": "port",
    "https://llm.corp.example:0": "port",
    "https://llm.corp.example:99999": "port",
    "https://llm.corp.example:-1": "port",
    "https://llm.corp.example:+443": "port",
    "https://llm.corp.example:4o00": "port",
    "https://[::1]x:80": "port",
    "https://[::1": "port",
    "https://gw\\@evil.example": "backslash",
    "https://llm.corp.example\\v1": "backslash",
    "https://llm corp.example": "whitespace",
    "https://llm.corp.example\n": "whitespace",
    "https://llm.corp.example\t:4000": "whitespace",
    "https://llm.corp.example\x00": "control",
    "https://llm.corp.example\x1b[31m": "control",
    "https://münchen.de": "non-ascii",
    "https://llm\u202eelpmaxe.example": "non-ascii",
    "https://llm.corp.example:４000": "non-ascii",
    "https://$(id)": "host",
    "https://`id`.example": "host",
    "https://llm;id.example": "host",
    "https://llm_corp.example": "host",
    "https://-llm.example": "host",
    "https://llm..example": "host",
    f"https://{'a' * 64}.example": "host",
    "https://xn--a": "host",
    "https://1.2.3": "host",
    "https://2130706433": "host",
    "https://0x7f.0.0.1": "host",
    "https://256.1.1.1": "host",
    "https://[fe80::1%25eth0]": "host",
    "https://[v1.x]": "host",
    "https://llm.corp.example/%0d%0a": "path",
    "https://llm.corp.example/$(id)": "path",
    "https://llm.corp.example/a;b": "path",
    "https://llm.corp.example/a/../b": "path",
    "https://llm.corp.example/a//b": "path",
    "http://llm.corp.example": "http",
    "http://10.2.3.4:4000": "http",
    "http://0.0.0.0:4000": "http",
    "http://localhost.corp.example": "http",
    "http://llm.localhost": "http",
}


@pytest.mark.parametrize(("typed", "used"), TAKEN.items())
def test_case_14_takes(typed: str, used: str) -> None:
    assert parse_address(typed).url == used


@pytest.mark.parametrize(("typed", "kind"), REFUSED.items())
def test_case_14_refuses(typed: str, kind: str) -> None:
    with pytest.raises(AddressError) as refused:
        parse_address(typed)
    assert refused.value.kind == kind
    assert str(refused.value).endswith(".")
    assert str(refused.value).isprintable()


def test_case_14_http_needs_a_yes() -> None:
    assert parse_address("http://llm.corp.example:4000", allow_http=True).origin == "http://llm.corp.example:4000"


def test_case_14_a_name_in_another_script_is_shown_in_punycode() -> None:
    with pytest.raises(AddressError, match=r"xn--mnchen-3ya\.de"):
        parse_address("https://münchen.de")


def test_a_name_without_scheme_gets_the_advice_to_add_it() -> None:
    with pytest.raises(AddressError, match=r"Write https://llm\.corp\.example:4000"):
        parse_address("llm.corp.example:4000")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://llm.corp.example/a", "https://LLM.corp.example:443/b", True),
        ("https://llm.corp.example", "https://llm.corp.example:4000", False),
        ("https://localhost", "http://localhost", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (parse_address(one).origin == parse_address(other).origin) is same


@given(st.text(max_size=60) | st.text("htps:/.@?#[]%\\1234567890abc", max_size=40).map("https://".__add__))
def test_case_14_any_text_is_read_or_refused(text: str) -> None:
    try:
        address = parse_address(text, allow_http=True)
    except AddressError:
        return
    assert parse_address(address.url, allow_http=True) == address
    assert set(address.url) <= set(string.ascii_letters + string.digits + ":/.-_~[]")


HOSTS = st.from_regex(r"[a-z]([a-z0-9\-]{0,10}[a-z0-9])?(\.[a-z]([a-z0-9\-]{0,10}[a-z0-9])?){0,3}", fullmatch=True)


@given(HOSTS.filter(lambda host: "xn--" not in host), st.integers(1, 65535), st.sampled_from(["", "/llm", "/a/b"]))
def test_a_good_url_is_read_as_it_stands(host: str, port: int, path: str) -> None:
    for tail in ("", "/", "/v1", "/v1/"):
        assert parse_address(f"https://{host}:{port}{path}{tail}") == Address("https", host, port, path)
