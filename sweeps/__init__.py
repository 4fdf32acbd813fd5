"""Sweep files, one question each, and the engine that runs them with no account."""
