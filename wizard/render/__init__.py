"""Pure: the text of each file from answers and machine. Same input, same bytes."""
