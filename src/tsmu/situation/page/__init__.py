"""The report as an HTML page: sentences, tables and pictures."""

from tsmu.situation.page.rendering import render_page

__all__ = ["render_page"]
