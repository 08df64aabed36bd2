"""Indices: weighted trees of indicators over villages, towns and the district."""
