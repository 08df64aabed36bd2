"""`python -m pipelines.indices`: the index commands on their own."""

from pipelines.indices.command import app

app(prog_name="index")
