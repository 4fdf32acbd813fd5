"""Predictions in, numbers and figures out."""
