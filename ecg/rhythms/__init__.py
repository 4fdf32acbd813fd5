"""What irregular rhythm is told by: intervals, their measures, P waves."""
