"""tsmu as a program: which one, its version, running it, and an environment made for it. No widget is used here."""
