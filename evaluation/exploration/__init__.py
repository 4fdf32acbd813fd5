"""A data set before any network: statistics and pictures, of drawn and augmented beats too."""
