"""The review page as a reviewer meets it, timed in a headless Chromium on a real server."""
