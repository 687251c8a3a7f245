"""The review server: imagery and landslides for the page in the browser, and the decisions made there.

    from tsmu.review.app import make_app
    from tsmu.review.desk import Desk

Nothing here is loaded by `import tsmu`; nothing that it serves is loaded from elsewhere.
"""
