"""Anomaly detection: scores of beats, verdicts, other detectors, figures, the report."""
