"""A comparison of tsmu with other toolkits, and with a threshold on image differences, on the same data."""
