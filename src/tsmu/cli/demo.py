"""`tsmu demo`."""
