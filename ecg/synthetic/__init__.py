"""Synthetic recordings with every wave's position known."""
