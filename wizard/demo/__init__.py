"""The demo: the whole tour against servers of its own, in a throw-away home folder."""
