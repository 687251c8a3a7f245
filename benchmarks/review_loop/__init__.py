"""One turn of the review loop on the synthetic world, decided by a simulated reviewer."""
