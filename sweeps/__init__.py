"""One YAML per question."""
