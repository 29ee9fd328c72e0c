"""SOURCE=mapped: any shop's files, told by a mapping file what they hold (docs/mapping.md)."""
