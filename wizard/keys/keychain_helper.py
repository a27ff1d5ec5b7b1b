"""The sh that a key helper asks the keychain with."""

from __future__ import annotations

from typing import Final

from wizard.keys.parts import SH_PROGRAM, script, sh_limited
from wizard.machine.model import Machine
from wizard.quoting import sh_quote


def reading_script(name: str, machine: Machine, service: str, account: str) -> str:
    """Return a helper's body that reads the entry of a service and an account by `secret-tool` or `security`."""
    values = {
        "tool_path": str(machine.programs[name]),
        "timeout_path": str(machine.programs.get("timeout", "")),
        "service": service,
        "account": account,
    }
    assignments = [f"{each}={sh_quote(value)}" for each, value in values.items()]
    limits = (sh_limited("limited", 6), *((sh_limited("briefly", 2),) if name == "secret-tool" else ()))
    return script(assignments, SH_PROGRAM, *limits, _PIECES[name])


_HANGS: Final = "fail 'The keychain gave no key in time; it may wait for its password. Unlock it, then try again.'"
_LOCKED: Final = "fail 'The keychain is locked. Sign in to your desktop, or unlock the keychain, then try again.'"
_MISSING: Final = (
    'fail "The keychain holds nothing for service $service, account $account.'
    ' Run: claude-litellm-wizard store --key keychain"'
)

_SECRET_TOOL: Final = rf"""
# An IDE may not know the session bus; systemd has it at one of these places.
find_bus() {{
  [ -z "${{DBUS_SESSION_BUS_ADDRESS-}}" ] || return 0
  for bus in "${{XDG_RUNTIME_DIR:-/nowhere}}/bus" "/run/user/$(id -u)/bus"; do
    [ -S "$bus" ] || continue
    DBUS_SESSION_BUS_ADDRESS=unix:path=$bus
    export DBUS_SESSION_BUS_ADDRESS
    return 0
  done
  fail 'There is no session bus, so no keychain can be asked. Sign in to your desktop, or choose another key backend.'
}}

# Its stdout is ours, its stderr is only read for the reason.
read_key() {{
  keeper=$(program "$tool_path" secret-tool) || fail 'The program secret-tool is gone. Install it (libsecret-tools).'
  find_bus
  LC_ALL=C.UTF-8 # or it takes no service and account outside of ASCII
  {{
    said=$(limited "$keeper" lookup -- service "$service" username "$account" 2>&1 >&3 3>&-; echo "exit $?")
  }} 3>&1
  case $said in
    *'exit 0') return ;;
    *'exit 124' | *'exit 137' | *'exit 143') {_HANGS} ;;
    *D-Bus* | *[Cc]onnect* | *org.freedesktop.secrets*)
      fail 'No keychain answers on the session bus. Sign in to your desktop, or choose another key backend.'
      ;;
  esac
  case $(briefly "$keeper" search -- service "$service" username "$account" 2>&1 >/dev/null) in
    *locked*) {_LOCKED} ;;
  esac
  {_MISSING}
}}
"""

_SECURITY: Final = rf"""
read_key() {{
  keeper=$(program "$tool_path" security) || fail 'The program security is gone. Restore it.'
  limited "$keeper" find-generic-password -s "$service" -a "$account" -w 2>/dev/null
  case $? in
    0) return ;;
    124 | 137 | 143) {_HANGS} ;;
    36 | 51 | 128) {_LOCKED} ;;
  esac
  {_MISSING}
}}
"""

_PIECES: Final = {"secret-tool": _SECRET_TOOL, "security": _SECURITY}
