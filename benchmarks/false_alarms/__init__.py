"""Benchmarks of false alarms where landslides are rare: on synthetic scenes and on real chips without landslides."""
