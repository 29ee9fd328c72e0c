"""Files of tracking providers, 17TRACK and AfterShip, beside any source (docs/sources.md)."""
