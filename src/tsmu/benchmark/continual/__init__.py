"""Regions learned one after the other, by every strategy on equal terms."""
