"""Feeds: from landing files to accepted rows in the lake."""
