"""Raw recordings: what every beat is, where the rhythm is irregular, who stands out."""
