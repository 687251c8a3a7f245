"""Tables written by users: CSV and XLSX files with every cell as text, and the dates in their columns.

The names that other rooms (packages) use are listed here and loaded when they are first used. The modules are:

    spreadsheets    reads CSV and XLSX files: encodings, separators, ragged rows
    columns         finds columns by name, and reads columns of days
    date_columns    reads columns of dates; ambiguities of single texts are resolved for the whole column
    dates           reads a single text as an interval of days
    single_dates    reads one date, month, year or similar period
    date_text       holds the words and patterns of dates
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.tabular.columns import (
        find_columns,
        normalise_name,
        read_date_columns,
        single_day,
        unique_column_names,
    )
    from tsmu.tabular.date_columns import DateColumn, read_dates
    from tsmu.tabular.date_text import means_no_date
    from tsmu.tabular.dates import date_from_parts, parse_date, read_day
    from tsmu.tabular.single_dates import DateInterval, Order, interval_precision
    from tsmu.tabular.spreadsheets import TABLE_SUFFIXES, cell_text, read_rows_file, read_table, read_table_file

__all__ = [
    "TABLE_SUFFIXES",
    "DateColumn",
    "DateInterval",
    "Order",
    "cell_text",
    "date_from_parts",
    "find_columns",
    "interval_precision",
    "means_no_date",
    "normalise_name",
    "parse_date",
    "read_date_columns",
    "read_dates",
    "read_day",
    "read_rows_file",
    "read_table",
    "read_table_file",
    "single_day",
    "unique_column_names",
]

_NAMES = {  # the public names, listed under the submodule that defines them
    "date_columns": "DateColumn read_dates",
    "date_text": "means_no_date",
    "dates": "date_from_parts parse_date read_day",
    "single_dates": "DateInterval Order interval_precision",
    "columns": "find_columns normalise_name read_date_columns single_day unique_column_names",
    "spreadsheets": "TABLE_SUFFIXES cell_text read_rows_file read_table read_table_file",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
