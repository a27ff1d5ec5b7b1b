"""The proofs one by one; `wizard.prove` runs them."""
