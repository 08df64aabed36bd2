"""A synthetic Qingpu with known truth. Nothing else in pipelines imports it but the command line."""

from pipelines.simulate.run import Delivered, Summary, next_day, simulate

__all__ = ["Delivered", "Summary", "next_day", "simulate"]
