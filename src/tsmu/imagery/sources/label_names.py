"""Which file and folder names end as those of masks and labels do."""

import re

_WORDS = r"masks?|labels?|truth|gt|annotations?|masken?|masques?|m[aá]scaras?"  # English, German, French, Spanish
_LABEL_NAME = re.compile(rf"(?:(?P<key>.+)[_-])?(?:{_WORDS})", re.IGNORECASE)


def label_key(name: str) -> str | None:
    """The key that a label's name shares with its image: what stands before `_mask`, `_label` or the like.

    Args:
        name: of a folder, or of a file without its suffix.

    Returns:
        The key; empty where the name has nothing but the word; None for the name of anything else.

    Example:
        >>> label_key("valley_mask"), label_key("Labels"), label_key("valley_post")
        ('valley', '', None)
    """
    match = _LABEL_NAME.fullmatch(name)
    return None if match is None else match["key"] or ""
