"""What the key helper has jq or python3 make of Vault's answers: one program for each, which say the same.

`judge_first` prints "=" and the key, or else all that it was given, for `judge` to look at: jq reads a short program
faster, and most answers need no more. `judge` prints "=" and the key, or one word for what is wrong, or "again" with
the KV version and the right place. From both, a line "ending" in front means that the token wants to be renewed.
"""

from __future__ import annotations

from typing import Final

from wizard.keys.vault_helper_curl import BODY_CAP

_CAP: Final = 4 * BODY_CAP

_JUDGE: Final = r"""
# Judges what curl got: prints "=" and the key, or a word for what is wrong. The first requests, $1 of them, decide; $2
# is the KV version where the last one went to the right place."""

_JQ_START: Final = r"""
    def object: try fromjson catch null | if type == "object" then . else {} end;
    def trouble($exit; $needed):
      if length < $needed or (length == $needed and $exit != "0") or any(.[:$needed][]; .status == "000")
      then "curl " + $exit
      elif any(.[:$needed][]; .status == "503" and .body.sealed == true) then "sealed"
      elif any(.[:$needed][]; .status == "503" and (.body | .errors // .error | tostring | contains("ealed")))
      then "sealed"
      elif any(.[:$needed][]; .status | startswith("3")) then "redirect"
      else "" end;
    split("\nstatus ") as $parts
    | ($parts[-1] | split("\nexit ") | if length > 1 then .[-1] else "" end) as $exit
    | [range(($parts | length) - 1) | {status: $parts[. + 1][:3], body: ($parts[.][4:] | object)}]"""

_JUDGE_FIRST: Final = r"""
# Prints "=" and the key, after a line "ending" for a token to be renewed; or else what it was given."""

_JQ_FIRST: Final = (
    _JUDGE_FIRST
    + rf"""
# shellcheck disable=SC2016 # $all and the like are jq's own
judge_first() {{
  head -c {_CAP} | "$reader" -Rsr --arg secret "$secret" --arg field "$field" --arg guess "$guess" '
    . as $all
    | split("\nstatus ") as $parts
    | try (
        ($parts[0][4:] | fromjson.data) as $mount
        | ($parts[1][4:] | fromjson.data.data[$field]) as $value
        | (try ($parts[2][4:] | fromjson.data | .renewable == true and 0 < .ttl and .ttl * 2 < .creation_ttl)
           catch false) as $ending
        | if $parts[1][:3] + $parts[2][:3] + $mount.options.version == "2002002" and ($value | type) == "string"
            and $mount.path + "data/" + ($secret | ltrimstr($mount.path)) == $guess
          then (if $ending then "ending" else empty end), "=" + $value
          else error end
      ) catch $all' 2>/dev/null
}}
"""
)

JQ: Final = (
    "\nreader_name=jq\n"
    + _JQ_FIRST
    + _JUDGE
    + rf"""
# shellcheck disable=SC2016 # $exit and the like are jq's own
judge() {{
  head -c {_CAP} | "$reader" -Rsr --arg secret "$secret" --arg field "$field" --arg guess "$guess" \
    --argjson needed "$1" --arg version "${{2-}}" '"""
    + _JQ_START
    + r"""
    | def inner: if type == "object" then . else {} end;
    def key($version):
      .status as $status
      | (.body.data | inner) as $data
      | (if $version == "2" then $data.data else .body.data end) as $fields
      | if $status == "403" then "refused"
        elif $status != "200" and $status != "404" then "status " + $status
        elif ($fields | type) == "object" then
          if $fields | has($field) | not then "no-field"
          elif ($fields[$field] | type) != "string" then "not-text"
          else "=" + $fields[$field] end
        elif $version == "2" and ($data.metadata | inner | .destroyed == true) then "destroyed"
        elif $version == "2" and ($data.metadata | inner | .deletion_time // "" | . != "") then "deleted"
        elif $status == "404" then "no-secret"
        else "odd" end;
    def escaped: split("/") | map(@uri) | join("/");
    def place:
      (.body.data | inner) as $data
      | ($data.path | if type == "string" then rtrimstr("/") + "/" else "?" end) as $mount
      | if .status == "404" then ["1", $secret]
        elif .status == "403" then "no-mount"
        elif .status != "200" then "status " + .status
        elif $secret | startswith($mount) | not then "odd"
        elif ($data.options | inner | .version | tostring) != "2" then ["1", $secret]
        else ["2", $mount + "data/" + ($secret | ltrimstr($mount))] end;
    def is_ending: .status == "200" and (.body.data | inner
      | .renewable == true and (.ttl | type) == "number" and .ttl > 0 and .ttl * 2 < (.creation_ttl | numbers));
    (if any(.[2:][]; is_ending) then "ending" else empty end),
    trouble($exit; $needed) as $trouble
    | if $trouble != "" then $trouble
      elif $version != "" then .[0] | key($version)
      else .[1] as $guessed
        | .[0] | place | if type == "string" then . elif .[1] == $guess then .[0] as $of | $guessed | key($of)
        else "again \(.[0]) \(.[1] | escaped)" end
      end' 2>/dev/null
}
"""
)

JQ_LOGIN: Final = (
    rf"""
# shellcheck disable=SC2016
token_of_login() {{
  head -c {_CAP} | "$reader" -Rsr '"""
    + _JQ_START
    + r"""
    | trouble($exit; 1) as $trouble
    | if $trouble != "" then $trouble
      elif .[0].status == "200" then "=" + ([.[0].body | .auth? | .client_token? | strings][0] // "")
      else "status " + .[0].status end' 2>/dev/null
}
"""
)

_PYTHON_START: Final = rf"""
import json, sys

def json_object(text):
    try:
        return inner(json.loads(text))
    except (ValueError, RecursionError):
        return {{}}

def inner(value):
    return value if isinstance(value, dict) else {{}}

def done(word):
    sys.stdout.buffer.write(word.encode("utf-8", "replace"))
    sys.exit()

parts = sys.stdin.buffer.read({_CAP}).decode("utf-8", "replace").split("\nstatus ")
ended = parts[-1].split("\nexit ")
got = [(after[:3], json_object(part[4:])) for part, after in zip(parts, parts[1:])]

def look_for_trouble(needed):
    first = got[:needed]
    exit = ended[-1] if len(ended) > 1 else ""
    if len(first) < needed or (len(got) == needed and exit != "0") or any(status == "000" for status, _ in first):
        done("curl " + exit)
    for status, body in first:
        said = json.dumps(body.get("errors") or body.get("error"))
        if status == "503" and (body.get("sealed") is True or "ealed" in said):
            done("sealed")
    if any(status.startswith("3") for status, _ in first):
        done("redirect")
"""

PYTHON: Final = (
    "\nreader_name=python3\n"
    + _JUDGE_FIRST
    + """
judge_first() {
  judge 2
}
"""
    + _JUDGE
    + r"""
judge() {
  "$reader" -IS -c '"""
    + _PYTHON_START
    + r"""
secret, field, guess, needed, version = sys.argv[1:]

def tell_key(version, status, body):
    data = inner(body.get("data"))
    fields = data.get("data") if version == "2" else body.get("data")
    about = inner(data.get("metadata")) if version == "2" else {}
    if status == "403":
        done("refused")
    if status not in ("200", "404"):
        done("status " + status)
    if isinstance(fields, dict):
        if field not in fields:
            done("no-field")
        done("=" + fields[field] if isinstance(fields[field], str) else "not-text")
    if about.get("destroyed") is True:
        done("destroyed")
    if about.get("deletion_time"):
        done("deleted")
    done("no-secret" if status == "404" else "odd")

def place(status, body):
    data = inner(body.get("data"))
    mount = data["path"].rstrip("/") + "/" if isinstance(data.get("path"), str) else "?"
    if status == "403":
        done("no-mount")
    if status not in ("200", "404"):
        done("status " + status)
    if status == "200" and not secret.startswith(mount):
        done("odd")
    if status == "404" or str(inner(data.get("options")).get("version")) != "2":
        return "1", secret
    return "2", mount + "data/" + secret[len(mount) :]

def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)

for status, body in got[2:]:
    token = inner(body.get("data"))
    left, whole = token.get("ttl"), token.get("creation_ttl")
    if status == "200" and token.get("renewable") is True and is_number(left) and is_number(whole):
        if 0 < left * 2 < whole:
            print("ending", flush=True)
look_for_trouble(int(needed))
if version:
    tell_key(version, *got[0])
version, path = place(*got[0])
if path == guess:
    tell_key(version, *got[1])
from urllib.parse import quote  # takes its time, and is seldom needed

done("again " + version + " " + quote(path, safe="/"))
' "$secret" "$field" "$guess" "$1" "${2-}" 2>/dev/null
}
"""
)

PYTHON_LOGIN: Final = (
    r"""
token_of_login() {
  "$reader" -IS -c '"""
    + _PYTHON_START
    + r"""
look_for_trouble(1)
status, body = got[0]
token = inner(body.get("auth")).get("client_token")
done("status " + status if status != "200" else "=" + token if isinstance(token, str) else "=")
' 2>/dev/null
}
"""
)

ANSWERS: Final = {"jq": JQ, "python3": PYTHON}
LOGIN_ANSWERS: Final = {"jq": JQ_LOGIN, "python3": PYTHON_LOGIN}
