"""The schema is documented, and what it makes is what it says."""

from pathlib import Path

import sqlalchemy as sa

from tsmu import database as db
from tsmu.database import TABLES, Confidence, has_spatial_index
from tsmu.database.integrity import schema_page
from tsmu.inventory.known_sources import USGS_CONFIDENCE


def test_the_page_is_of_this_schema() -> None:
    stored = Path(__file__).parents[2] / "docs" / "schema.md"
    assert stored.read_text() == schema_page.as_markdown(), (
        "write it anew: python -m tsmu.database.integrity.schema_page > docs/schema.md"
    )
    assert all(column.comment for table in TABLES for column in table.columns)


def test_confidence_has_the_numbers_of_the_usgs() -> None:
    assert {word.usgs for word in Confidence} == set(USGS_CONFIDENCE)
    for word in Confidence:
        assert word in USGS_CONFIDENCE[word.usgs]


def test_tables_have_their_columns_links_and_indexes(database: db.Database) -> None:
    inspector = sa.inspect(database.engine)
    for table in TABLES:
        there = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert there == {column.name: column.nullable for column in table.columns}
        links = {
            (key["constrained_columns"][0], key["referred_table"]) for key in inspector.get_foreign_keys(table.name)
        }
        assert links == {(c.name, key.column.table.name) for c in table.columns for key in c.foreign_keys}
        indexed = {column for index in inspector.get_indexes(table.name) for column in index["column_names"]}
        assert {c.name for c in table.columns if c.index} <= indexed
        if database.path is None and has_spatial_index(table):
            methods = [index["dialect_options"] for index in inspector.get_indexes(table.name)]
            assert {"postgresql_using": "gist"}.items() <= {k: v for m in methods for k, v in m.items()}.items()
