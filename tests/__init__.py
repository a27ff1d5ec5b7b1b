"""The tests. `tests.programs` names what they need from outside."""
