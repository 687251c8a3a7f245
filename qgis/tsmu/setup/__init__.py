"""The environment that the plugin makes for tsmu, and the dialog with the settings."""
