"""What a pretrained network brings on another data set: scores, paired gains, the report."""
