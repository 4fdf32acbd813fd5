"""Long raw signals, in hertz, seconds and millivolts."""
