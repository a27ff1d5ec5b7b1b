"""The user's computer, read only."""
