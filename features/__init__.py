"""What was known, and when: pure functions from canonical tables to features and labels."""
