"""Survivorship: of all that feeds say of a person, what counts, since when, and who disagrees; a step of the replay."""
