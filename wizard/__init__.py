"""A terminal wizard that sets up Claude Code to work through a LiteLLM proxy."""

__version__ = "0.1.0"
