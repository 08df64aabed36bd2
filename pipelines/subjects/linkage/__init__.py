"""Linkage: which person each row is about, a step of the replay. Of whom rows speak is declared in the contracts."""
