"""The faces of the wizard: one accent for focus and the current step; green, amber and red mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from textual.theme import Theme

Face = Literal["dark", "light", "terminal", "none"]
"""Dark, light, the terminal's own sixteen colours, or no colour at all."""

FACES: Final[Mapping[Face, str]] = {
    "dark": "For a dark ground",
    "light": "For a light ground",
    "terminal": "The terminal's own sixteen colours",
    "none": "No colours: signs, words and the style of letters say it all",
}
VARIABLE: Final = "CLAUDE_LITELLM_WIZARD_COLOURS"
"""The environment variable that names a face."""

_LIGHT_GROUNDS: Final = frozenset({"7", "9", "10", "11", "12", "13", "14", "15"})


def first_face(env: Mapping[str, str], colours: str | None) -> Face:
    """Return the face to begin with: the one asked for, else what the terminal says of itself.

    `colours` is what it can draw: "truecolor", "256", "standard" for sixteen colours, None for none.
    """
    for face in FACES:
        if env.get(VARIABLE, "").strip().lower() == face:
            return face
    if "NO_COLOR" in env:
        return "none"
    if colours not in ("truecolor", "256"):
        return "terminal"
    return "light" if has_light_ground(env) else "dark"


def has_light_ground(env: Mapping[str, str]) -> bool:
    """Say whether the terminal tells that its background is light (COLORFGBG, like 0;15)."""
    return env.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_GROUNDS


DARK: Final = Theme(
    name="wizard-dark",
    primary="#8ab4f8",
    secondary="#8ab4f8",
    accent="#8ab4f8",
    warning="#e8b45a",
    error="#f2777a",
    success="#7fcf93",
    foreground="#dfe3ea",
    background="#12151b",
    surface="#1b1f27",
    panel="#252a34",
    dark=True,
    variables={
        "text-muted": "#8f98a8",
        "text-disabled": "#5b6372",
        "border": "#8ab4f8",
        "border-blurred": "#3a4150",
        "input-selection-background": "#8ab4f8 35%",
        "scrollbar": "#3a4150",
        "scrollbar-background": "#12151b",
        "scrollbar-background-hover": "#12151b",
        "scrollbar-background-active": "#12151b",
        "scrollbar-corner-color": "#12151b",
    },
)

LIGHT: Final = Theme(
    name="wizard-light",
    primary="#1f5fbf",
    secondary="#1f5fbf",
    accent="#1f5fbf",
    warning="#8a5a00",
    error="#b3261e",
    success="#19713a",
    foreground="#20242c",
    background="#fbfbf9",
    surface="#f0f1f3",
    panel="#e4e6ea",
    dark=False,
    variables={
        "text-muted": "#5d6675",
        "text-disabled": "#9aa1ad",
        "border": "#1f5fbf",
        "border-blurred": "#c3c8d0",
        "scrollbar": "#c3c8d0",
        "scrollbar-background": "#fbfbf9",
        "scrollbar-background-hover": "#fbfbf9",
        "scrollbar-background-active": "#fbfbf9",
        "scrollbar-corner-color": "#fbfbf9",
    },
)


def sixteen(*, light: bool) -> Theme:
    """Return the theme of the terminal's own colours; yellow can't be read on a light ground."""
    return Theme(
        name="wizard-terminal",
        primary="ansi_blue" if light else "ansi_bright_blue",
        secondary="ansi_blue" if light else "ansi_bright_blue",
        accent="ansi_blue" if light else "ansi_bright_blue",
        warning="ansi_magenta" if light else "ansi_yellow",
        error="ansi_red" if light else "ansi_bright_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=not light,
        ansi=True,
        variables={
            "ansi-background": "ansi_white" if light else "ansi_black",
            "ansi-foreground": "ansi_black" if light else "ansi_white",
            "text-muted": "ansi_bright_black",
            "text-disabled": "ansi_bright_black",
            "border": "ansi_blue" if light else "ansi_bright_blue",
            "border-blurred": "ansi_bright_black",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-background": "ansi_bright_blue",
            "input-selection-foreground": "ansi_black",
            "scrollbar": "ansi_bright_black",
            "scrollbar-hover": "ansi_bright_black",
            "scrollbar-active": "ansi_bright_black",
            "scrollbar-background": "ansi_default",
            "scrollbar-background-hover": "ansi_default",
            "scrollbar-background-active": "ansi_default",
            "scrollbar-corner-color": "ansi_default",
        },
    )


def theme_of(face: Face, env: Mapping[str, str]) -> Theme:
    """Return the theme that draws a face; what has no colour is drawn in sixteen, and those are then left out."""
    if face in ("terminal", "none"):
        return sixteen(light=has_light_ground(env))
    return LIGHT if face == "light" else DARK
