"""What people decide in a review, how it is undone, and how far they agree with each other and with the model."""
