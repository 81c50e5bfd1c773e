"""The real broker and database that tests talk to."""
