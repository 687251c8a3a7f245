"""The HTTP routes of the review server, one module per group of addresses."""
