"""Tests on real parts: LiteLLM, shells, Vault, Claude Code itself. `test_matrix` says what is a double."""
