"""The engine that is not here: LiteLLM looks for its exceptions."""

from . import errors

__all__ = ["errors"]
