"""How R peaks are found: strength, the likeliest path, likeness, and where the peak lies."""
