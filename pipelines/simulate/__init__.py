"""A synthetic Qingpu with known truth. Nothing else in pipelines imports it but the command line."""
