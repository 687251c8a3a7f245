"""Model versions on disk: bundles, their records, and the registry of which version serves which region."""
