"""Programs that time things, one question each."""
