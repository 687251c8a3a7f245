"""Training other toolkits, and a threshold on image differences, on the same data as tsmu."""
