"""Recordings in files: WFDB, EDF, BDF, CSV."""
