"""Lets `python -m wizard` start the command line."""

from wizard.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
