"""What the quality of a lead is told by."""
