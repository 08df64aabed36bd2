"""Tags: dated, legal, explainable statements about subjects."""
