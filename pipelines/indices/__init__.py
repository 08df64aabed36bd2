"""Indices: weighted trees of indicators over villages, towns and the district; an engine usable on its own."""

from pipelines.indices.build import build
from pipelines.indices.load import load_spec
from pipelines.indices.problems import DataError, IndexFault, SpecError

__all__ = ["DataError", "IndexFault", "SpecError", "build", "load_spec"]
