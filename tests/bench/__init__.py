"""Figures of whole processes, taken against a bare Textual app in the same environment, turn by turn."""
