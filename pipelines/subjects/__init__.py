"""Subjects: the real things the rows are about."""
