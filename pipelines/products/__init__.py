"""Products: what leaves the house."""
