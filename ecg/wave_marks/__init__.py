"""Wave marks: windows around R peaks, a small network, and marks from its probabilities."""
