"""The two faces of the wizard: one accent for focus and the current step; green, amber and red mean what they say."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

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
    success="#1d7a3e",
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

THEMES: Final = (DARK, LIGHT)
