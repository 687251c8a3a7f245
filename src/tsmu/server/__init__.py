"""The review server: imagery and landslides for the page in the browser, and the decisions made there.

    from tsmu.server.app import make_app
    from tsmu.server.context import Desk

Nothing here is loaded by `import tsmu`; nothing that it serves is loaded from elsewhere.
"""
