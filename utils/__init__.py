"""Nothing here knows what a heartbeat is."""
