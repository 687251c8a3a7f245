"""Training, validation and test splits that do not leak."""
