"""Which engine finds a good network first, by the processor second? See `replay`."""
