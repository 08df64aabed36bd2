"""Addresses, and what rows mean that are about no person: dwellings, organisations, places."""
