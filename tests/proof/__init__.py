"""The proofs, each on real shells and on a stand-in for Claude Code; `tests.real` has the real one."""
