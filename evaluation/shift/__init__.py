"""Scores under changed recordings: measured, told in words, drawn, reported."""
