"""One file per command: the core behind plain text."""
