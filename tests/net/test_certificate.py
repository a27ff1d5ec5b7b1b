"""Certificates read without a library and without trust: what they say, and that nothing breaks the reader."""

from __future__ import annotations

import warnings
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import example, given
from hypothesis import strategies as st

from tests.faults.certificates import Authority
from wizard.net.certificate import pem_certificates, read_certificate


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "Corp Rööt", organization="Corp Ltd")


def test_every_public_authority_is_read_as_a_library_reads_it() -> None:
    content = Path(certifi.where()).read_bytes()
    found, whole = pem_certificates(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library dislikes the serial number of one of them
        others = x509.load_pem_x509_certificates(content)
    assert whole
    assert len(found) == len(others) > 100
    for der, other in zip(found, others, strict=True):
        mine = read_certificate(der)
        assert mine.sha256 == other.fingerprint(hashes.SHA256()).hex(":").upper()
        assert (mine.not_before, mine.not_after) == (other.not_valid_before_utc, other.not_valid_after_utc)
        assert mine.subject_key in other.subject.public_bytes()
        assert mine.signs_itself == (other.subject == other.issuer)
        assert mine.is_authority


def test_what_a_server_certificate_says(authority: Authority) -> None:
    issued = authority.issue("llm.corp.example", "10.2.3.4", "::1")
    (der,), _ = pem_certificates(issued.certificate.read_bytes())
    mine = read_certificate(der)
    assert mine.names == ("llm.corp.example", "10.2.3.4", "::1")
    assert (mine.subject, mine.issuer, mine.issuer_organization) == ("llm.corp.example", "Corp Rööt", "Corp Ltd")
    assert not mine.is_authority
    assert not mine.signs_itself


BROKEN = b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("change", "found", "whole"),
    [
        (lambda pem: pem, 1, True),
        (lambda pem: pem.replace(b"\n", b"\r\n"), 1, True),
        (lambda pem: b"Some text \xff\n" + pem + b"more", 1, True),
        (lambda pem: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + pem, 1, True),
        (lambda pem: pem.replace(b"CERTIFICATE", b"X509 CERTIFICATE"), 1, True),
        (lambda pem: pem + pem, 2, True),
        (lambda pem: pem + BROKEN + pem, 1, False),
        (lambda pem: BROKEN + pem, 0, False),
        (lambda pem: b"\xef\xbb\xbf" + pem, 0, True),
        (lambda pem: pem.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"), 0, True),
        (lambda pem: b"", 0, True),
    ],
    ids=["plain", "CRLF", "text", "key", "X509", "two", "broken between", "broken first", "BOM", "trusted", "empty"],
)
def test_a_file_is_read_as_claude_code_reads_it(authority: Authority, change: object, found: int, whole: bool) -> None:
    content = change(authority.certificate.read_bytes())  # type: ignore[operator]
    certificates, all_of_it = pem_certificates(content)
    assert (len(certificates), all_of_it) == (found, whole)


@given(st.data())
def test_any_bytes_are_a_certificate_or_a_value_error(authority: Authority, data: st.DataObject) -> None:
    (der,), _ = pem_certificates(authority.certificate.read_bytes())
    spoilt = bytearray(der)
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_certificate(bytes(spoilt[: data.draw(st.integers(0, len(der)))]))
    except ValueError:
        return
    assert str(read.as_facts()).isprintable()


@given(st.binary(max_size=60))
@example(b"\x30\x80")
@example(b"\x30\x84\xff\xff\xff\xff")
def test_noise_is_no_certificate(noise: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_certificate(noise)
