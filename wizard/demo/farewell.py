"""What the demo says when it ends."""

from __future__ import annotations

import stat
from typing import Final

from wizard.demo.tour import Tour

_SHOWN: Final = ("settings.json", "setup-litellm.sh")
"""The files that are shown whole."""

_OF_OUR_OWN: Final = ("~/.local/state/", "~/.cache/")
_HOME: Final = "/home/you"
_GONE: Final = "its throw-away home folder is removed now."
_REAL: Final = "To do it for real: claude-litellm-wizard"


def farewell(tour: Tour) -> str:
    """Return the files that the user would have got. The home folder still has to be there."""
    names = [each for each in tour.place.written() if not each.startswith(_OF_OUR_OWN)]
    if not names:
        return f"This was the demo. Nothing was written, and {_GONE}\n{_REAL}"
    lines = [f"This was the demo, and {_GONE}", "These are the files you would have got:", ""]
    for name in names:
        text = tour.place.text(name).replace(str(tour.place.home), _HOME).splitlines()
        lines.append(f"{name}  ({_mode(tour, name)}, {len(text)} lines)")
        lines += [f"  │ {each}" for each in text] if name.endswith(_SHOWN) else []
    return "\n".join([*lines, "", _REAL])


def _mode(tour: Tour, name: str) -> str:
    path = tour.place.home / name.removeprefix("~/")
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
