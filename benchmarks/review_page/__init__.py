"""A benchmark of the review page, timed in a headless Chromium with a real review server."""
