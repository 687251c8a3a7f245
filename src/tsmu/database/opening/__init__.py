"""How a database is opened: made, upgraded to the newest schema, or refused."""
