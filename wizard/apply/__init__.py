"""The user's computer, write side."""
