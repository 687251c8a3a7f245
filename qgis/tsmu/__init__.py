"""The QGIS plugin of tsmu: it runs the `tsmu` of an environment of its own, so QGIS's Python needs nothing.

What lies where:

    command     which tsmu, its version, the child process that runs it, and an environment made for it
    processing  the algorithms: one base class, and declarations of what each asks for
    workspace   layers with their styles, and a project of all layers of a workspace
    review      the dock: a review server as a child process, its queue, keys, images and outlines
    i18n        translations; `translation.tr` marks a text
"""


def classFactory(iface):
    """Make the plugin; its texts are translated when they are first asked for, so the translation comes first."""
    from .translation import install

    install()
    from .plugin import TsmuPlugin

    return TsmuPlugin(iface)
