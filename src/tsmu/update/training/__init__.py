"""Training a network on the chips of one region."""
