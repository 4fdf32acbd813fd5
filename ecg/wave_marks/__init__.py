"""How waves are marked: windows, a small network, and marks from its probabilities."""
