"""What the waiting room decides: pure functions and values. No I/O, no clock, no globals."""
