"""CSV files of beats as people have them, read a part at a time."""
