"""Mapping a scene, compared with the bare network, with the usual loop over windows, and with GeoAI."""
