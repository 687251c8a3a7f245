"""The report as a page: facts in words, tables, pictures."""

from tsmu.situation.page.rendering import render_page

__all__ = ["render_page"]
