"""The screens' questions and results as lines, one at a time: for pipes, dumb terminals and screen readers."""
