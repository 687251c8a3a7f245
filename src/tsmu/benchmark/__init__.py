"""What measures the numbers of the design."""
