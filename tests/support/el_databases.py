"""The databases that a load is tried with: SQLite, and PostgreSQL where a server is installed. Both are asked in SQL and answer rows of text, NULL as "NULL"."""
import os
import sqlite3

import pg_server

SERVER = pg_server.Server() if pg_server.BINARIES else None


class Sqlite:
    kind = "sqlite"
    settings = {"path": "t.db"}

    def clear(self):
        for name in os.listdir("."):
            if name.startswith("t.db"):
                os.remove(name)

    def sql(self, text):
        db = sqlite3.connect("t.db")
        db.text_factory = bytes
        found = db.execute(text).fetchall()
        db.commit()
        db.close()
        return [["NULL" if v is None else v.decode() if isinstance(v, bytes) else str(v) for v in row] for row in found]

    def columns(self, table):
        return {row[0]: row[1] for row in self.sql(f"SELECT name, type FROM pragma_table_info('{table}')")}

    def step_target(self, **more):
        return {"type": "sqlite", "path": "t.db", **more}


class Postgres:
    kind = "postgres"
    settings = {"dsn": SERVER.dsn()} if SERVER else {}

    def clear(self):
        SERVER.sql("DROP SCHEMA IF EXISTS other CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def sql(self, text):
        return SERVER.sql(text)

    def columns(self, table):
        return dict(SERVER.sql(f"SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"))

    def step_target(self, **more):
        return {"type": "postgres", "dsn": SERVER.dsn(), **more}


DATABASES = [Sqlite()] + ([Postgres()] if SERVER else [])


def each(test):
    def both():
        for db in DATABASES:
            db.clear()
            test(db)
    both.__name__ = test.__name__
    return both


def close():
    if SERVER:
        SERVER.close()
