"""Numbers as a report writes them: a share below 1 never becomes "100 %", and areas have three digits at most."""

import math
from datetime import date

from tsmu.wording import counted


def count_text(number: int) -> str:
    """A count as text, with a comma between thousands.

    Example:
        >>> count_text(12345)
        '12,345'
    """
    return f"{number:,}"


def counted_text(number: int, noun: str, plural: str | None = None) -> str:
    """A count as text, with a comma between thousands, followed by its noun in the singular or plural.

    Example:
        >>> counted_text(12345, "landslide"), counted_text(1, "landslide is", "landslides are")
        ('12,345 landslides', '1 landslide is')
    """
    return count_text(number) + counted(number, noun, plural).removeprefix(str(number))


def area_text(m2: float) -> str:
    """An area as text, in m² below about 0.1 km² and in km² above; rounded to three digits below 1000 km².

    Example:
        >>> area_text(0), area_text(8.51), area_text(34_567), area_text(123_456), area_text(2_345_678_901)
        ('0 m²', '9 m²', '34,600 m²', '0.123 km²', '2,346 km²')
    """
    if m2 < 99_950:
        return f"{float(f'{m2:.3g}'):,.0f} m²"
    km2 = m2 / 1e6
    decimals = 3 if km2 < 1 else 2 if km2 < 10 else 1 if km2 < 100 else 0
    return f"{km2:,.{decimals}f} km²"


def percent_text(share: float | None) -> str:
    """A share (0 to 1) as text in whole percent; a dash if it is None or NaN.

    Example:
        >>> percent_text(0.9999), percent_text(0.001), percent_text(0.42), percent_text(0), percent_text(None)
        ('over 99 %', 'under 1 %', '42 %', '0 %', '-')
    """
    if share is None or math.isnan(share):
        return "-"
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"


def days_text(first: date, last: date) -> str:
    """One day, or the first and last of several, as people write them.

    Example:
        >>> days_text(date(2024, 4, 3), date(2024, 4, 28)), days_text(date(2024, 4, 3), date(2024, 4, 3))
        ('3 April to 28 April 2024', '3 April 2024')
    """
    if first == last:
        return day_text(first)
    begin = day_text(first) if first.year != last.year else f"{first.day} {first:%B}"
    return f"{begin} to {day_text(last)}"


def day_text(day: date) -> str:
    """A day as people write it.

    Example:
        >>> day_text(date(2024, 4, 3))
        '3 April 2024'
    """
    return f"{day.day} {day:%B} {day.year}"


def place_text(longitude: float, latitude: float) -> str:
    """The coordinates of a place in degrees as text, with four decimals (about ten metres).

    Example:
        >>> place_text(-71.23456, -13.5)
        '13.5000° S, 71.2346° W'
    """
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.4f}° {north}, {abs(longitude):.4f}° {east}"
