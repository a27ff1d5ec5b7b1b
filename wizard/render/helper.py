"""The key helper: the frame in POSIX sh around what a key backend contributes."""

from __future__ import annotations

from typing import Final

from wizard.answers import Answers
from wizard.keys.backend import Backend
from wizard.machine.model import Machine
from wizard.marks import SIGNATURE
from wizard.quoting import sh_quote

KEY_LIMIT: Final = 16384
"""Characters a key may have; servers refuse longer header lines."""


def render_helper(backend: Backend, body: str, answers: Answers, machine: Machine) -> str:
    """Return the text of the key helper: the frame around a backend's body.

    `body` is what `backend.helper_body` returned: sh that defines `read_key`. The helper prints one line, the key, and
    exits 0, or prints nothing, says why on stderr and exits 1. It carries the gateway's origin and gives nothing to a
    session whose environment names another server. Raises AddressError for an unusable gateway URL, ValueError for a
    value with control characters.
    """
    path = machine.short(machine.expand(answers.helper_path))
    sh_quote(path)  # refuses what would end the comment line
    return _FRAME.format(
        signature=SIGNATURE,
        source=backend.title,
        path=path,
        origin=origin_line(answers).rstrip("\n"),
        limit=KEY_LIMIT,
        body=body.strip("\n"),
    )


def origin_line(answers: Answers) -> str:
    """Return the helper's line that names the gateway it gives its key to."""
    return f"origin={sh_quote(answers.gateway.address.origin)}\n"


_FRAME: Final = """\
#!/bin/sh
# The key helper of Claude Code (apiKeyHelper), written by {signature}. Its key comes from: {source}.
# It prints the key on one line, or says on stderr why it can't. It is rewritten as a whole: change your answers.
# Test it:   {path} >/dev/null && echo works
# Remove it: {signature} undo
{{ set +x +a +e; }} 2>/dev/null
set -u
umask 077
exec </dev/null
cd / || exit 1
LC_ALL=C
PATH=${{PATH-}}${{PATH:+:}}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LC_ALL PATH
# A variable exported under one of these names would hand its new value to every program started here.
unset answer body credential exported inner key line plain quoted rest said secret token value

# The arguments of a program are for all to see, and mksh starts one for printf. Its print keeps them to itself.
case ${{KSH_VERSION-}} in
  *MIRBSD* | *LEGACY*)
    printf() {{
      format=$1
      shift
      while :; do
        remaining=$format
        while :; do
          case $remaining in *%[sb]*) ;; *) break ;; esac
          print -n -- "${{remaining%%\\%[sb]*}}"
          case ${{remaining#*\\%}} in s*) print -nr -- "${{1-}}" ;; *) print -n -- "${{1-}}" ;; esac
          remaining=${{remaining#*\\%?}}
          [ "$#" = 0 ] || shift
        done
        print -n -- "$remaining"
        [ "$#" -gt 0 ] || return 0
      done
    }}
    ;;
esac

fail() {{
  printf '%s\\n' "$1" >&2
  exit 1
}}

{origin}
for url in "${{ANTHROPIC_BASE_URL-}}" "${{ANTHROPIC_BEDROCK_BASE_URL-}}"; do
  case $url in
    '' | "$origin" | "$origin"/*) continue ;;
    *[!!-~]* | *@*) url='another server' ;;
  esac
  fail "Your gateway is $origin now; this session still uses $url. Restart Claude Code."
done

{body}

key=$(read_key) || exit 1
[ -n "$key" ] || fail 'The key is empty. Store it anew.'
case $key in
  *[!!-~]*) fail 'The key holds a blank, a line break or another odd character. Store it anew, alone on one line.' ;;
esac
[ "${{#key}}" -le {limit} ] || fail 'What came is far too long for a key. Store the key alone.'
printf '%s\\n' "$key"
"""
