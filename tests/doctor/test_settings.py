"""Which settings file decides: each layer against the answers, and against the real Claude Code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doctor.support import ANSWERS, URL, looked_at, only, told, write, written
from tests.programs import CLAUDE, OLD_CLAUDE, require
from tests.real.sandbox import Sandbox
from tests.real.upstream import Upstream, serve
from wizard.doctor.settings import settings_verdicts
from wizard.machine.rulings import rulings
from wizard.machine.settings_layers import settings_layers

OTHER = {"env": {"ANTHROPIC_BASE_URL": "https://other.example"}}
LAYERS = {
    "managed": "root/etc/claude-code/managed-settings.json",
    "drop-in": "root/etc/claude-code/managed-settings.d/10-team.json",
    "project": "work/.claude/settings.json",
    "local": "work/.claude/settings.local.json",
}


def test_a_set_up_that_nothing_beats_is_fine_and_says_who_decides(tmp_path: Path) -> None:
    written(tmp_path)

    (verdict,) = settings_verdicts(ANSWERS, looked_at(tmp_path))

    assert (verdict.status, verdict.verdict) == ("pass", "ok")
    assert "~/.claude/settings.json decides alone: the key helper and" in verdict.cause
    decides = verdict.facts["decides"]
    assert isinstance(decides, dict) and decides["apiKeyHelper"] == "~/.claude/settings.json"


@pytest.mark.parametrize("layer", LAYERS)
def test_each_stronger_layer_that_names_another_server_fails(tmp_path: Path, layer: str) -> None:
    written(tmp_path)
    write(tmp_path / LAYERS[layer], OTHER)

    verdicts = list(settings_verdicts(ANSWERS, looked_at(tmp_path)))

    kind = "managed-wins" if layer in ("managed", "drop-in") else "project-wins"
    verdict = only(verdicts, kind)
    assert told(verdicts) == [("fail", kind)]
    assert f"~/{LAYERS[layer]}" in verdict.cause and "talks to https://other.example" in verdict.cause
    assert verdict.fix and verdict.facts["keys"] == ["ANTHROPIC_BASE_URL"]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_that_says_the_same_is_fine(tmp_path: Path, layer: str) -> None:
    written(tmp_path)
    write(tmp_path / LAYERS[layer], {"env": {"ANTHROPIC_BASE_URL": URL, "CLAUDE_CODE_USE_VERTEX": "false"}})

    (verdict,) = settings_verdicts(ANSWERS, looked_at(tmp_path))

    assert (verdict.status, "decided by" in verdict.cause) == ("pass", True)


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        ({"apiKeyHelper": "echo sk-canary-1234567890"}, "project-wins", "runs another key helper"),
        ({"apiKeyHelper": ""}, "project-wins", "runs no key helper"),
        ({"env": {"ANTHROPIC_AUTH_TOKEN": "sk-canary-1234567890"}}, "project-wins", "in place of the helper's key"),
        ({"env": {"ANTHROPIC_API_KEY": "sk-canary-1234567890"}}, "project-wins", "sends another key along"),
        ({"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}, "project-wins", "takes another route"),
        ({"env": {"ANTHROPIC_BASE_URL": ""}}, "project-wins", "talks to Anthropic"),
        ({"env": {"ANTHROPIC_BASE_URL": "https://u:canary@x.example?k=canary"}}, "project-wins", "https://x.example"),
        ({"env": {"ANTHROPIC_MODEL": "corp"}}, "layer-adds", "asks for other models"),
        ({"env": {"HTTPS_PROXY": "http://u:canary@p.example"}}, "layer-adds", "another way through the network"),
        ({"env": {"NODE_EXTRA_CA_CERTS": "/x.pem"}}, "layer-adds", "uses other certificates"),
        ({"env": {"ANTHROPIC_CUSTOM_HEADERS": "x: canary"}}, "layer-adds", "headers of its own"),
        ({"env": {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "5"}}, "layer-adds", "takes that value"),
    ],
)
def test_what_a_foreign_value_means_is_said_and_the_value_is_not(
    tmp_path: Path, content: object, kind: str, says: str
) -> None:
    written(tmp_path)
    write(tmp_path / "work/.claude/settings.json", content)

    (verdict,) = settings_verdicts(ANSWERS, looked_at(tmp_path))

    assert (verdict.verdict, says in verdict.cause) == (kind, True)
    assert "canary" not in repr(verdict)


def test_values_that_are_none_of_ours_are_nobodys_business(tmp_path: Path) -> None:
    written(tmp_path)
    write(tmp_path / "work/.claude/settings.json", {"env": {"EDITOR": "vi"}, "permissions": {}})

    assert told(settings_verdicts(ANSWERS, looked_at(tmp_path))) == [("pass", "ok")]


@pytest.mark.parametrize(("layer", "kind"), [("managed", "managed-bad"), ("local", "layer-bad")])
def test_a_file_that_claude_code_ignores_is_named_and_hides_no_other(tmp_path: Path, layer: str, kind: str) -> None:
    written(tmp_path)
    write(tmp_path / LAYERS[layer], '{"env": {,}')
    write(tmp_path / LAYERS["project"], OTHER)

    verdicts = list(settings_verdicts(ANSWERS, looked_at(tmp_path)))

    assert {each.verdict for each in verdicts} == {kind, "project-wins"}
    assert "line 1" in only(verdicts, kind).cause


def test_without_helper_and_server_in_any_layer_that_is_said(tmp_path: Path) -> None:
    assert told(settings_verdicts(ANSWERS, looked_at(tmp_path))) == [("fail", "settings-missing")]
    by_hand = replace(ANSWERS, write=replace(ANSWERS.write, settings=False))
    assert told(settings_verdicts(by_hand, looked_at(tmp_path))) == [("pass", "ok")]


@pytest.fixture
def upstream(sandbox: Sandbox) -> Iterator[Upstream]:
    with serve() as server:
        sandbox.bring_in(server.port)
        yield server


STEPS = ("20-b", "10-a", "managed", "local", "project", "user")


@pytest.mark.parametrize(("claude", "steps"), [(CLAUDE, STEPS), (OLD_CLAUDE, ("20-b", "local", "user"))])
def test_what_decides_here_decides_in_the_real_claude(
    claude: str, steps: tuple[str, ...], sandbox: Sandbox, upstream: Upstream, tmp_path: Path
) -> None:
    """Strongest first: look, ask Claude Code, compare, take that file away. The strongest has no helper of its own."""
    program, unshare = require(claude, "unshare")
    etc = tmp_path / "root/etc"
    for name in ("passwd", "group", "nsswitch.conf"):
        write(etc / name, Path("/etc", name).read_text())
    managed = etc / "claude-code"
    files = {
        "20-b": managed / "managed-settings.d/20-b.json",
        "10-a": managed / "managed-settings.d/10-a.json",
        "managed": managed / "managed-settings.json",
        "local": tmp_path / "work/.claude/settings.local.json",
        "project": tmp_path / "work/.claude/settings.json",
        "user": tmp_path / ".claude/settings.json",
    }
    for name in steps:
        server = {"env": {"ANTHROPIC_BASE_URL": f"{upstream.url}/{name}"}}
        write(files[name], server if name == "20-b" else {**server, "apiKeyHelper": f"echo sk-{name}"})
    env = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }
    inside: list[str | Path] = [
        unshare,
        "-m",
        "sh",
        "-c",
        'mount --bind "$1" /etc && exec "$2" -p hi',
        "sh",
        etc,
        program,
    ]
    for name in steps:
        upstream.requests.clear()
        layers = settings_layers(tmp_path / ".claude", tmp_path / "work", "linux", tmp_path / "root")
        decided = {key: each.value for key, each in rulings(layers).items()}
        done = sandbox.run(inside, env=env, cwd=tmp_path / "work")
        helper = decided["apiKeyHelper"].removeprefix("echo ")
        assert decided["ANTHROPIC_BASE_URL"] == f"{upstream.url}/{name}"
        assert upstream.posts() == {(name, f"Bearer {helper}")}, done
        files[name].unlink()


@pytest.mark.parametrize("claude", [CLAUDE, OLD_CLAUDE])
def test_which_local_file_the_real_claude_takes_inside_a_work_tree(
    claude: str, sandbox: Sandbox, upstream: Upstream, tmp_path: Path
) -> None:
    """The newer one takes that of the top folder, as the layers say; the older one looks in its own folder alone."""
    (program,) = require(claude)
    write(tmp_path / ".claude/settings.json", {"apiKeyHelper": "echo sk-user"})
    for folder, name in (("work", "top"), ("work/a", "own")):
        content = {"env": {"ANTHROPIC_BASE_URL": f"{upstream.url}/{name}"}}
        write(tmp_path / folder / ".claude/settings.local.json", content)
    write(tmp_path / "work/.git/HEAD", "ref: refs/heads/main\n")
    for name in ("objects", "refs"):
        (tmp_path / "work/.git" / name).mkdir()
    env = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }

    sandbox.run([program, "-p", "hi"], env=env, cwd=tmp_path / "work/a")

    layers = settings_layers(tmp_path / ".claude", tmp_path / "work/a", "linux", tmp_path / "root")
    assert rulings(layers)["ANTHROPIC_BASE_URL"].value == f"{upstream.url}/top"
    assert upstream.posts() == {("top" if claude == CLAUDE else "own", "Bearer sk-user")}
