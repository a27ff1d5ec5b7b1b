"""Which settings file decides each key of Claude Code's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from wizard.machine.model import SettingsLayer
from wizard.record import dataclass, field

HELPER: Final = "apiKeyHelper"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The strongest layer that sets a key, the value it gives, and the layers it beats.

    `name` is `apiKeyHelper` or a variable's; `value` may be a credential.
    """

    name: str
    value: str = field(repr=False)
    layer: SettingsLayer
    beaten: tuple[SettingsLayer, ...] = ()


def rulings(layers: Iterable[SettingsLayer]) -> Mapping[str, Ruling]:
    """Return who decides each key; `layers` come strongest first. A variable in a layer beats the shell's.

    Each key is decided by itself: the helper of one file runs with the server of another (2.1.197, 2.1.330).
    """
    decided: dict[str, Ruling] = {}
    for layer in layers:
        values = {**({} if layer.helper is None else {HELPER: layer.helper}), **layer.env}
        for name, value in values.items():
            first = decided.get(name)
            if first is None:
                decided[name] = Ruling(name, value, layer)
            else:
                decided[name] = Ruling(name, first.value, first.layer, (*first.beaten, layer))
    return decided
