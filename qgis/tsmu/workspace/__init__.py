"""The layers of a workspace with their styles, and a project of all of them."""
