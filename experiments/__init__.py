"""One folder for each question: its program, its measuring, its report."""
