"""幸福云: one line of flow, feeds → subjects → tags → indices → products → releases."""
