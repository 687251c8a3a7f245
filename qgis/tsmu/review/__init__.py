"""The review dock. A review server (`tsmu serve --write`) runs as a child process, and the dock asks and tells it.

What lies where:

    server      the child process
    client      requests to its JSON interface
    session     the queue, the decisions and what can be undone; no widget, no map
    images      the rasters of a scene before and after, as layers
    outline     the outline of the current landslide, and a layer to edit it in
    keys        which key does what
    dock        the widgets, and all of it put together
"""
