"""A scene."""
