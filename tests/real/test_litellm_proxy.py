"""The test servers themselves answer as the facts say, so that what is tested on them means something."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from tests.real.fake_bedrock import FakeBedrock
from tests.real.litellm_proxy import ANTHROPIC_MODELS, BEDROCK_MODELS, Proxy, SigningKeys

_MESSAGE = {"max_tokens": 16, "messages": [{"role": "user", "content": "ping"}]}


def _call(url: str, key: str, body: Mapping[str, object] | None = None) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def _text(body: bytes) -> Any:
    return json.loads(body)["content"][0]["text"]


def test_master_key_opens_models_and_a_wrong_one_does_not(litellm: Proxy) -> None:
    status, body = _call(f"{litellm.url}/v1/models", litellm.master_key)
    assert status == 200
    assert {each["id"] for each in json.loads(body)["data"]} >= {*ANTHROPIC_MODELS, *BEDROCK_MODELS}
    assert _call(f"{litellm.url}/v1/models", "sk-wrong")[0] == 400  # no database: 400, not 401


@pytest.mark.parametrize(("model", "answer"), [("claude-opus-5-5", "litellm"), (BEDROCK_MODELS[0], "bedrock")])
def test_anthropic_route_answers_for_mock_and_bedrock_deployments(litellm: Proxy, model: str, answer: str) -> None:
    status, body = _call(f"{litellm.url}/v1/messages", litellm.master_key, {"model": model, **_MESSAGE})
    assert (status, _text(body)) == (200, f"pong-from-{answer}")


def test_bedrock_route_streams_the_upstream_answer(litellm: Proxy, fake_bedrock: FakeBedrock) -> None:
    asked = len(fake_bedrock.asked)
    url = f"{litellm.url}/bedrock/model/{BEDROCK_MODELS[0]}/invoke-with-response-stream"
    status, body = _call(url, litellm.master_key, {"anthropic_version": "bedrock-2023-05-31", **_MESSAGE})
    assert status == 200
    assert b":event-type" in body
    assert len(fake_bedrock.asked) == asked + 1


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256"])
def test_custom_auth_takes_its_tokens_only(
    litellm_with_custom_auth: Proxy, signing_keys: SigningKeys, algorithm: str
) -> None:
    url = f"{litellm_with_custom_auth.url}/v1/messages"
    body = {"model": "claude-opus-5-5", **_MESSAGE}
    now = int(time.time())
    good = signing_keys.token(algorithm, {"user": "ada", "team": "engineering", "exp": now + 60})
    status, answer = _call(url, good, body)
    assert (status, _text(answer)) == (200, litellm_with_custom_auth.answer)
    expired = signing_keys.token(algorithm, {"user": "ada", "exp": now - 60})
    status, answer = _call(url, expired, body)
    assert status == 401
    assert b"Token Expired" in answer
    status, answer = _call(url, good[:-8] + "AAAAAAAA", body)
    assert status == 401
    assert b"Validation fails" in answer
