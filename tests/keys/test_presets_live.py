"""The presets' real programs beyond the contract: what else they say, and names that look like options."""

from __future__ import annotations

from typing import Final

import pytest

from tests.keys.kinds import KINDS
from tests.keys.stages import STATES, Stage, patient, run
from tests.keys.test_contract import judge

MORE: Final = [(name, state) for name, kind in KINDS.items() for state in kind.told if state not in STATES]


@pytest.mark.parametrize(("name", "state"), MORE)
def test_the_real_programs_other_words_are_understood(stage: Stage, name: str, state: str) -> None:
    judge(name, state, run(patient(KINDS[name].build(stage, state)), stage.home))
