"""The kind of each beat: timing, shape, clusters, and the evidence from them."""
