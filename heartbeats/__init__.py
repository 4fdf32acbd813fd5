"""Labelled single beats of any origin."""
