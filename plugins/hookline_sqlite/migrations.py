"""The schema and how it came to be. A migration that was released is never changed."""

from collections.abc import Sequence

import aiosqlite

from hookline.errors import StoreUnavailable

APPLICATION = 0x486B6C6E
"""``Hkln``: SQLite's ``application_id``, so that another program's file is not written to."""

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        f"PRAGMA application_id = {APPLICATION}",
        # A deleted agent keeps its row, without a document: its id goes on counting versions.
        """
        CREATE TABLE agents (
            id TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            document TEXT
        )
        """,
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            digest TEXT NOT NULL UNIQUE,
            user TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            revoked_at INTEGER,
            last_used_at INTEGER,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX keys_by_user ON keys (user, created_at)",
        """
        CREATE TABLE continuations (
            id TEXT PRIMARY KEY,
            user TEXT NOT NULL,
            agent TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            calls TEXT NOT NULL,
            messages BLOB NOT NULL
        )
        """,
        "CREATE INDEX continuations_by_expiry ON continuations (expires_at)",
        """
        CREATE TABLE continuation_calls (
            call TEXT NOT NULL,
            continuation TEXT NOT NULL REFERENCES continuations (id) ON DELETE CASCADE,
            PRIMARY KEY (call, continuation)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX continuation_calls_by_continuation ON continuation_calls (continuation)",
    ),
    (
        # The versions that were replaced; the current one stands in ``agents``.
        """
        CREATE TABLE agent_versions (
            record TEXT PRIMARY KEY,
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            document TEXT NOT NULL,
            UNIQUE (id, version)
        )
        """,
        *(
            f"""
            CREATE TABLE {name} (
                id TEXT PRIMARY KEY,
                version INTEGER NOT NULL,
                created_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL,
                document TEXT
            )
            """
            for name in ("users", "groups", "roles")
        ),
        """
        CREATE TABLE group_members (
            user TEXT NOT NULL,
            "group" TEXT NOT NULL,
            PRIMARY KEY (user, "group")
        ) WITHOUT ROWID
        """,
        'CREATE INDEX group_members_by_group ON group_members ("group")',
        """
        CREATE TABLE grants (
            id TEXT PRIMARY KEY,
            grantee_kind TEXT NOT NULL,
            grantee TEXT NOT NULL,
            resource_kind TEXT NOT NULL,
            resource TEXT NOT NULL,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX grants_by_grantee ON grants (grantee_kind, grantee, resource_kind)",
        "CREATE INDEX grants_by_resource ON grants (resource_kind, resource)",
        """
        CREATE TABLE conversations (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            conversation TEXT NOT NULL,
            updated_at INTEGER NOT NULL,
            document TEXT NOT NULL,
            UNIQUE (owner, conversation)
        )
        """,
        """
        CREATE TABLE files (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            expires_at INTEGER,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX files_by_owner ON files (owner, id)",
        "CREATE INDEX files_by_expiry ON files (expires_at, id) WHERE expires_at IS NOT NULL",
        """
        CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            user TEXT NOT NULL,
            running INTEGER NOT NULL,
            ended_at INTEGER,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX runs_by_user ON runs (user, id)",
        "CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL",
        """
        CREATE TABLE audit (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX audit_by_subject ON audit (kind, subject, id)",
        "UPDATE agents SET created_at = 0, updated_at = 0 WHERE document IS NULL",
        # What a newer Hookline wrote besides the columns.
        "ALTER TABLE continuations ADD COLUMN unknown TEXT NOT NULL DEFAULT '{}'",
    ),
    (
        """
        CREATE TABLE accounts (
            id TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            document TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE ledger (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            account TEXT,
            run TEXT,
            user TEXT,
            key TEXT,
            agent TEXT,
            provider TEXT,
            model TEXT,
            tool TEXT,
            corrects TEXT,
            amount INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cache_read_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            audio_input_tokens INTEGER NOT NULL,
            audio_output_tokens INTEGER NOT NULL,
            estimated INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX ledger_by_time ON ledger (at, id)",
        "CREATE INDEX ledger_by_account ON ledger (account, at, id) WHERE account IS NOT NULL",
        "CREATE INDEX ledger_by_user ON ledger (user, at, id) WHERE user IS NOT NULL",
        "CREATE INDEX ledger_by_key ON ledger (key, at, id) WHERE key IS NOT NULL",
        "CREATE INDEX ledger_by_run ON ledger (run) WHERE run IS NOT NULL",
        "CREATE INDEX ledger_by_corrected ON ledger (corrects) WHERE corrects IS NOT NULL",
        # ``rest`` is ``at_rest``, and ``parked`` is how many items are.
        """
        CREATE TABLE outbox (
            id TEXT PRIMARY KEY,
            server TEXT NOT NULL,
            rest INTEGER NOT NULL,
            parked INTEGER NOT NULL,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX outbox_by_server ON outbox (server, id)",
        "CREATE INDEX outbox_by_parked ON outbox (id) WHERE parked > 0",
        "CREATE TABLE outbox_servers (id TEXT PRIMARY KEY, until INTEGER NOT NULL)",
    ),
    (
        # ``id`` is ``archive.record_id``; ``unknown`` is what a newer Hookline wrote.
        """
        CREATE TABLE records (
            id TEXT PRIMARY KEY,
            collection TEXT NOT NULL,
            record TEXT NOT NULL,
            owner TEXT NOT NULL,
            version INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            expires_at INTEGER,
            unknown TEXT NOT NULL,
            data BLOB NOT NULL,
            UNIQUE (collection, record)
        )
        """,
        "CREATE INDEX records_by_owner ON records (collection, owner, record)",
        "CREATE INDEX records_by_expiry ON records (expires_at) WHERE expires_at IS NOT NULL",
        "ALTER TABLE files ADD COLUMN conversation TEXT",
        "ALTER TABLE files ADD COLUMN name TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE files ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE files ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
        """
        UPDATE files SET
            conversation = json_extract(document, '$.conversation'),
            name = json_extract(document, '$.name'),
            size = json_extract(document, '$.size'),
            digest = json_extract(document, '$.digest')
        """,
        """
        CREATE INDEX files_by_name ON files (owner, conversation, name, id)
        WHERE conversation IS NOT NULL
        """,
        "CREATE INDEX files_by_size ON files (owner, size)",
        "CREATE INDEX files_by_digest ON files (digest)",
    ),
)
"""The statements that lead from each version (``PRAGMA user_version``) to the next."""

_STATE = """
SELECT
    (SELECT user_version FROM pragma_user_version),
    (SELECT application_id FROM pragma_application_id),
    (SELECT count(*) FROM sqlite_master)
"""


async def version(connection: aiosqlite.Connection, name: str) -> int:
    """The version of the schema; 0 for an empty database.

    Raises:
        StoreUnavailable: the file is another program's, or a newer Hookline's.
    """
    # One statement, so that another process's migration is seen either whole or not at all.
    [(found, application, objects)] = await connection.execute_fetchall(_STATE)
    if application != APPLICATION and (found, application, objects) != (0, 0, 0):
        message = f"{name} is another program's database; give [store] url another file"
        raise StoreUnavailable(message)
    if found > len(MIGRATIONS):
        message = (
            f"{name} has schema version {found}, and this Hookline knows none above "
            f"{len(MIGRATIONS)}; upgrade Hookline, or go back to a copy of the file"
        )
        raise StoreUnavailable(message)
    return int(found)


async def migrate(connection: aiosqlite.Connection, name: str) -> Sequence[str]:
    """Bring the schema up to date, one transaction a version; what was done, in words.

    Processes that start together take turns: whoever comes second finds the work done.
    """
    done: list[str] = []
    while await version(connection, name) < len(MIGRATIONS):
        await connection.execute_fetchall("BEGIN IMMEDIATE")
        try:
            at = await version(connection, name)
            for statement in _step(at):
                await connection.execute_fetchall(statement)
            await connection.execute_fetchall("COMMIT")
            if at < len(MIGRATIONS):
                done.append(f"brought the schema from version {at} to {at + 1}")
        except BaseException:
            if connection.in_transaction:
                await connection.execute_fetchall("ROLLBACK")
            raise
    return done


def _step(at: int) -> Sequence[str]:
    """The statements of one migration; none if another process has been here."""
    if at == len(MIGRATIONS):
        return ()
    return (*MIGRATIONS[at], f"PRAGMA user_version = {at + 1}")
