"""A comparison of `tsmu map` with the network alone, with the usual loop over windows, and with GeoAI."""
