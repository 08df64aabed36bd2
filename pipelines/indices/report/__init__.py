"""The index as people read it: static pages and a workbook in Chinese, small cells hidden, plots inline."""

from pipelines.indices.report.write import write_report

__all__ = ["write_report"]
