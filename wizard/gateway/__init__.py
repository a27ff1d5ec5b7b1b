"""LiteLLM seen from outside, and the calls made with a key."""
