"""A comparison of strategies that learn the same regions one after the other under equal conditions."""
