"""Looking at one subject: what a look may show, and the log of looks."""
