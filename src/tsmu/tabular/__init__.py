"""Tables that people made: CSV and XLSX files with every cell as text, and the dates in their columns.

What others use is named here and loaded when it is first asked for:

    spreadsheets    CSV and XLSX files: encodings, separators, ragged rows
    columns         columns by name, and those that hold days
    date_columns    columns of dates: what single texts leave open is settled for the whole column
    dates           a single text as an interval of days
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

_NAMES = {  # by the module that has them
    "date_columns": "DateColumn read_dates",
    "date_text": "means_no_date",
    "dates": "date_from_parts parse_date read_day",
    "single_dates": "DateInterval Order interval_precision",
    "columns": "find_columns normalise_name read_date_columns single_day unique_column_names",
    "spreadsheets": "TABLE_SUFFIXES cell_text read_rows_file read_table read_table_file",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
