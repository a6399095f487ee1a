"""Parses each .sql file of a directory as one statement of Snowflake: `python parse.py DIRECTORY`."""

import pathlib
import sys

import sqlglot
from sqlglot import exp

files = sorted(pathlib.Path(sys.argv[1]).glob("*.sql"))
for file in files:
    statements = sqlglot.parse(file.read_text(), read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)
    # what sqlglot does not know it would keep as the text of a command
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        sys.exit(f"{file.name}: no single query")
print(len(files))
