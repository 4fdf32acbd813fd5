"""What kind each beat is: evidence from timing and shape, clusters, what is unknown."""
