"""How likely, how sure, what to do: pure functions from feature tables to probabilities and a
contact list."""
