"""Real LiteLLM proxies on loopback, each started at most once per run.

`litellm` takes a master key, `litellm_with_custom_auth` takes signed tokens (see `custom_auth`). Both have the models
that Claude Code asks for: on the Anthropic route as LiteLLM mocks, on the Bedrock route as Bedrock deployments in front
of `fake_bedrock`. None can reach anything but loopback: their proxy variables point to a closed port.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.programs import LITELLM, OLD_LITELLM, require
from tests.real.fake_bedrock import FakeBedrock

ANTHROPIC_MODELS: Final = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-4-8",
    "claude-sonnet-5",
    "claude-haiku-4-5-20251001",
)
BEDROCK_MODELS: Final = (
    "us.anthropic.claude-opus-5-5",
    "us.anthropic.claude-opus-4-6-v1",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
)
"""What Claude Code 2.1.330 and 2.1.197 ask for by themselves."""

READY_WITHIN: Final = 120.0
"""Seconds; 8-12 on an idle machine."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running LiteLLM: its URL, what its mock models answer, and its log."""

    url: str
    answer: str
    log: Path
    master_key: str = field(default="", repr=False)

    @property
    def port(self) -> int:
        """The loopback port it listens on."""
        return int(self.url.rpartition(":")[2].partition("/")[0])


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """What the custom auth believes: the HS256 secret, and the private keys as PEM."""

    hs256: str = field(repr=False)
    rs256: str = field(repr=False)
    es256: str = field(repr=False)
    public: Mapping[str, str]

    def token(self, algorithm: str, claims: Mapping[str, Any]) -> str:
        """Return a token over the claims, signed with the right key of this algorithm."""
        key = {"HS256": self.hs256, "RS256": self.rs256, "ES256": self.es256}[algorithm]
        return jwt.encode(dict(claims), key, algorithm=algorithm)


@pytest.fixture(scope="session")
def fake_bedrock() -> Iterator[FakeBedrock]:
    """The upstream behind the Bedrock deployments of both proxies."""
    with FakeBedrock("pong-from-bedrock") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def litellm(tmp_path_factory: pytest.TempPathFactory, fake_bedrock: FakeBedrock) -> Iterator[Proxy]:
    """A LiteLLM with a master key and without a database."""
    master_key = "sk-master-7b1e5d0c9a3f4e62"
    folder = tmp_path_factory.mktemp("litellm")
    config = config_of("pong-from-litellm", fake_bedrock.url, {"master_key": master_key})
    with running(folder, config) as (url, log):
        yield Proxy(url, "pong-from-litellm", log, master_key)


@pytest.fixture(scope="session")
def litellm_below_a_path(tmp_path_factory: pytest.TempPathFactory, fake_bedrock: FakeBedrock) -> Iterator[Proxy]:
    """A LiteLLM that answers below /llm (and, as LiteLLM does, without it too)."""
    config = config_of("pong-below-a-path", fake_bedrock.url, {"master_key": "sk-master-5a1d7c3e9b2f4086"})
    with running(tmp_path_factory.mktemp("litellm-path"), config, SERVER_ROOT_PATH="/llm") as (url, log):
        yield Proxy(f"{url}/llm", "pong-below-a-path", log, "sk-master-5a1d7c3e9b2f4086")


@dataclass(frozen=True, slots=True)
class OtherProxies:
    """Proxies as other companies run them; both are only ever checked."""

    bare: Proxy
    older: Proxy


@pytest.fixture(scope="session")
def other_litellms(tmp_path_factory: pytest.TempPathFactory, fake_bedrock: FakeBedrock) -> Iterator[OtherProxies]:
    """A LiteLLM that shows nothing (no docs, no admin pages) and offers its sign-in, and 1.83.0 with prisma."""
    require(LITELLM, OLD_LITELLM)
    key = {"master_key": "sk-master-6c1f8e2d4b7a9053"}
    bare = config_of("pong-from-bare", fake_bedrock.url, {**key, "enable_claude_code_gateway": True})
    older = config_of("pong-from-older", fake_bedrock.url, key)
    hiding = {"NO_DOCS": "True", "NO_REDOC": "True", "NO_OPENAPI": "True", "DISABLE_ADMIN_UI": "true"}
    folders = [tmp_path_factory.mktemp("litellm-bare"), tmp_path_factory.mktemp("litellm-older")]
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as pool:  # each takes ten seconds to start
        starting = [
            pool.submit(stack.enter_context, running(folders[0], bare, **hiding)),
            pool.submit(stack.enter_context, running(folders[1], older, OLD_LITELLM)),
        ]
        (first, first_log), (second, second_log) = [each.result() for each in starting]
        yield OtherProxies(
            Proxy(first, "pong-from-bare", first_log, key["master_key"]),
            Proxy(second, "pong-from-older", second_log, key["master_key"]),
        )


@pytest.fixture(scope="session")
def signing_keys() -> SigningKeys:
    """The keys that `litellm_with_custom_auth` accepts tokens of."""
    rs256 = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    es256 = ec.generate_private_key(ec.SECP256R1())
    return SigningKeys(
        hs256="hs256-shared-secret-of-at-least-32-bytes",
        rs256=rs256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        es256=es256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        public={
            "RS256": rs256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "ES256": es256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        },
    )


@pytest.fixture(scope="session")
def litellm_with_custom_auth(
    tmp_path_factory: pytest.TempPathFactory, fake_bedrock: FakeBedrock, signing_keys: SigningKeys
) -> Iterator[Proxy]:
    """A LiteLLM whose own code checks signed tokens; its master key is of no use to the wizard."""
    folder = tmp_path_factory.mktemp("litellm-custom-auth")
    shutil.copy(Path(__file__).with_name("custom_auth.py"), folder)
    for name, key in {"HS256": signing_keys.hs256, **signing_keys.public}.items():
        (folder / f"{name}.verify").write_text(key)
    settings = {"master_key": "sk-unused-0d4c", "custom_auth": "custom_auth.user_api_key_auth"}
    with running(folder, config_of("pong-from-custom-auth", fake_bedrock.url, settings)) as (url, log):
        yield Proxy(url, "pong-from-custom-auth", log)


def config_of(answer: str, bedrock: str, general: Mapping[str, object]) -> dict[str, object]:
    """Return a configuration with the models above; the mocked ones give this answer."""
    mocks = [
        {"model_name": name, "litellm_params": {"model": f"anthropic/{name}", "api_key": "-", "mock_response": answer}}
        for name in ANTHROPIC_MODELS
    ]
    upstream = {
        "aws_bedrock_runtime_endpoint": bedrock,
        "aws_access_key_id": "fake",
        "aws_secret_access_key": "fake",
        "aws_region_name": "us-east-1",
    }
    deployments = [
        {"model_name": name, "litellm_params": {"model": f"bedrock/{name}", **upstream}} for name in BEDROCK_MODELS
    ]
    return {"model_list": mocks + deployments, "general_settings": general}


@contextlib.contextmanager
def running(
    folder: Path, config: Mapping[str, object], release: str = LITELLM, **variables: str
) -> Iterator[tuple[str, Path]]:
    """Run a LiteLLM with this configuration in a folder: its URL and its log."""
    (program,) = require(release)
    port = free_port()
    (folder / "config.yaml").write_text(json.dumps(config))  # YAML is a superset of JSON
    log = folder / "litellm.log"
    env = {
        "HOME": str(folder),
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # otherwise it waits for a download
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
        **variables,
    }
    argv = [str(program), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait_until_alive(process, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_alive(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"{url}/health/liveliness", timeout=5),
            urllib.request.urlopen(
                f"{url}/.well-known/litellm-ui-config", timeout=60
            ),  # the first one loads for seconds
        ):
            _warm_up(url)
            return
        time.sleep(0.2)
    state = "still starts" if process.poll() is None else f"ended with {process.returncode}"
    raise RuntimeError(f"LiteLLM {state} after {READY_WITHIN:.0f} s at most; its log ends:\n{log.read_text()[-3000:]}")


def _warm_up(url: str) -> None:
    """Ask what makes LiteLLM import its routes: that delays its first answer by 2 s, or by more where it is busy."""
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{url}/v1/messages", timeout=60):
        pass


def free_port() -> int:
    """Return a loopback port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
