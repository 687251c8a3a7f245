"""Words that depend on a number, for messages."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, in the singular or plural.

    Args:
        number: how many.
        noun: in the singular; words before it, and a verb behind it, may stand with it.
        plural: by default the noun with an s.

    Example:
        >>> counted(1, "pair"), counted(2, "test chip"), counted(1, "entry is", "entries are")
        ('1 pair', '2 test chips', '1 entry is')
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
