"""Words that depend on a number, for messages."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun, in the singular or plural.

    Args:
        number: the number, of which 1 takes the singular.
        noun: the noun in the singular, which may include words before it and a verb after it.
        plural: the plural of `noun`; by default `noun` with an s.

    Example:
        >>> counted(1, "pair"), counted(2, "test chip"), counted(1, "entry is", "entries are")
        ('1 pair', '2 test chips', '1 entry is')
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
