"""The feed catalogue: what comes in, how well, and which subjects, tags, indicators and products use each column."""
