"""Triggers, by which the database keeps its rules whoever writes: QGIS, psql, or tsmu.

- A changed landslide leaves its former version in `landslide_version`. Who changes it without
  counting up `version` (QGIS, say) gets that counted, and is named as a person outside tsmu.
- Landslides stay (they are rejected, not deleted); observations keep what they say; past versions,
  review entries and what merging did keep everything.
"""

import sqlalchemy as sa

from tsmu.database.schema import (
    STAMP_COLUMNS,
    VERSION_COLUMNS,
    landslide,
    landslide_version,
    merged_observation,
    merging,
    metadata,
    observation,
    review,
)
from tsmu.database.vocabulary import Author

OUTSIDE = "somebody outside tsmu"
_FIXED = {  # columns that never change, of tables whose rows are never deleted
    landslide: ["id"],
    observation: [c.name for c in observation.columns if c.name != "landslide_id"],
    landslide_version: [c.name for c in landslide_version.columns],
    review: [c.name for c in review.columns],
    merging: [c.name for c in merging.columns if c.name not in ("undone_by", "undone_at")],
    merged_observation: [c.name for c in merged_observation.columns],
}


def _names(columns: list[str] | tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in columns)


def _differ(columns: list[str], is_distinct: str) -> str:
    """The SQL condition that an UPDATE changes one of these columns: programs write back unchanged values, too.

    Args:
        columns: names of columns of the trigger's table.
        is_distinct: the backend's operator that compares two values and takes two NULLs for the same.
    """
    return " OR ".join(f'NEW."{name}" {is_distinct} OLD."{name}"' for name in columns)


def _sqlite() -> list[str]:
    content = [name for name in VERSION_COLUMNS if name not in STAMP_COLUMNS]
    # Fires on the content and not on the stamp, so that stamping does not fire it again.
    statements = [
        f"""CREATE TRIGGER landslide_keeps_versions AFTER UPDATE OF {_names(content)} ON landslide
        WHEN NEW.version <> OLD.version OR {_differ(content, "IS NOT")} BEGIN
            INSERT INTO landslide_version ({_names(VERSION_COLUMNS)}) VALUES ({_names(VERSION_COLUMNS, "OLD.")});
            UPDATE landslide SET version = OLD.version + 1, author = '{Author.PERSON}', changed_by = '{OUTSIDE}',
                changed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), change_reason = 'not said'
            WHERE fid = NEW.fid AND version = OLD.version;
        END"""
    ]
    for table, columns in _FIXED.items():
        stays = f"CREATE TRIGGER {table.name}_stays BEFORE DELETE ON {table.name} {_refuse_sqlite(table)}"
        statements += [_fixed_sqlite(table, columns), stays]
    return statements


def _refuse_sqlite(table: sa.Table) -> str:
    return f"BEGIN SELECT RAISE(ABORT, 'what {table.name} says is kept: it is not changed or deleted'); END"


def _fixed_sqlite(table: sa.Table, columns: list[str]) -> str:
    return (
        f"CREATE TRIGGER {table.name}_is_fixed BEFORE UPDATE ON {table.name} "
        f"WHEN {_differ(columns, 'IS NOT')} {_refuse_sqlite(table)}"
    )


def _postgresql() -> list[str]:
    statements = [
        f"""CREATE OR REPLACE FUNCTION tsmu_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO landslide_version ({_names(VERSION_COLUMNS)}) VALUES ({_names(VERSION_COLUMNS, "OLD.")});
            IF NEW.version = OLD.version THEN
                NEW.version := OLD.version + 1; NEW.author := '{Author.PERSON}'; NEW.changed_by := '{OUTSIDE}';
                NEW.changed_at := date_trunc('milliseconds', clock_timestamp()); NEW.change_reason := 'not said';
            END IF;
            RETURN NEW;
        END $$""",
        "CREATE TRIGGER landslide_keeps_versions BEFORE UPDATE ON landslide FOR EACH ROW "
        "WHEN (NEW IS DISTINCT FROM OLD) EXECUTE FUNCTION tsmu_keep_version()",
        """CREATE OR REPLACE FUNCTION tsmu_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'what %% says is kept: it is not changed or deleted', TG_TABLE_NAME;
        END $$""",
    ]
    for table, columns in _FIXED.items():
        statements += [
            _fixed_postgresql(table, columns),
            f"CREATE TRIGGER {table.name}_stays BEFORE DELETE ON {table.name} "
            "FOR EACH ROW EXECUTE FUNCTION tsmu_refuse()",
        ]
    return statements


def _fixed_postgresql(table: sa.Table, columns: list[str]) -> str:
    return (
        f"CREATE TRIGGER {table.name}_is_fixed BEFORE UPDATE ON {table.name} FOR EACH ROW "
        f"WHEN ({_differ(columns, 'IS DISTINCT FROM')}) EXECUTE FUNCTION tsmu_refuse()"
    )


def create_tables_and_triggers(connection: sa.Connection) -> None:
    """Make the schema's tables that are not there, and all the triggers."""
    metadata.create_all(connection)
    create_triggers(connection)


def create_triggers(connection: sa.Connection) -> None:
    """Make the triggers, anew where they are there: they name all columns, so each upgrade changes them."""
    server = connection.dialect.name == "postgresql"
    names = {"landslide_keeps_versions": landslide.name}
    for table in _FIXED:
        names |= {f"{table.name}_is_fixed": table.name, f"{table.name}_stays": table.name}
    for name, table_name in names.items():
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table_name}" if server else ""))
    for statement in _postgresql() if server else _sqlite():
        connection.exec_driver_sql(statement)
