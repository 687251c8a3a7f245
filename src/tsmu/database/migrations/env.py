"""Alembic's entry: runs the migrations in the transaction that `versions.open_database` holds."""

from alembic import context

from tsmu.database.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
