"""What the user's settings.json says at this moment: what the proofs run, not what was meant to be written."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wizard.machine.model import Machine
from wizard.record import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """The key helper and the variables of settings.json; `problem` is why it can't be read."""

    helper: str = field(default="", repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    problem: str = ""


def read_settings(machine: Machine) -> Settings:
    """Read the user's settings.json; a missing or an empty file holds nothing."""
    try:
        text = machine.settings_file.read_text(encoding="utf-8-sig")
        told = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        return Settings(problem=f"{error.strerror}.")
    except (ValueError, RecursionError):
        return Settings(problem="it is not JSON.")
    if not isinstance(told, dict):
        return Settings(problem="it is not a JSON object.")
    helper, env = told.get("apiKeyHelper"), told.get("env")
    variables = env if isinstance(env, dict) else {}
    return Settings(helper if isinstance(helper, str) else "", {name: str(each) for name, each in variables.items()})
