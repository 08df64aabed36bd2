"""Releases: immutable, complete, checked versions of everything."""
