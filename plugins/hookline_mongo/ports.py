"""All ports of one MongoDB database."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from hookline.archive import Archive
from hookline.moments import now
from hookline.roles import Role
from hookline.store import StoreStatus
from hookline.users import User
from hookline_mongo.agents import MongoAgents, MongoVersions
from hookline_mongo.archive import MongoArchive, Records
from hookline_mongo.audit import MongoAudit
from hookline_mongo.connection import Connection, topology
from hookline_mongo.continuations import MongoContinuations
from hookline_mongo.conversations import MongoConversations
from hookline_mongo.documents import Clock, MongoDocuments
from hookline_mongo.driver import Database
from hookline_mongo.files import MongoFiles
from hookline_mongo.grants import MongoGrants
from hookline_mongo.groups import MongoGroups
from hookline_mongo.keys import MongoKeys
from hookline_mongo.ledger import MongoLedger
from hookline_mongo.models import RoleModel, UserModel
from hookline_mongo.outbox import MongoOutbox
from hookline_mongo.plugin_records import MongoPluginRecords
from hookline_mongo.runs import MongoRuns
from hookline_mongo.schema import VERSION, migrate, missing, prepare, version
from hookline_mongo.shapes import Shape
from hookline_mongo.unfinished import Unfinished


class MongoStore:
    """The store in one database, which any number of processes may share.

    Raises:
        ConfigError: it is no URL of a MongoDB database.
    """

    def __init__(self, url: str, clock: Clock = now):
        connection = self._connection = Connection(url)
        unfinished = self._unfinished = Unfinished(connection)
        self.grants = MongoGrants(connection, unfinished)
        self.agents = MongoAgents(connection, self.grants, unfinished, clock)
        self.keys = MongoKeys(connection, clock)
        self.users = MongoDocuments(connection, Shape(User, UserModel, "user"), clock)
        self.groups = MongoGroups(connection, clock)
        self.roles = MongoDocuments(connection, Shape(Role, RoleModel, "role"), clock)
        self.conversations = MongoConversations(connection)
        self.files = MongoFiles(connection)
        self.runs = MongoRuns(connection)
        self.audit = MongoAudit(connection)
        self.continuations = MongoContinuations(connection, clock)
        self.outbox = MongoOutbox(connection)
        self.ledger = MongoLedger(connection)
        self.records = MongoPluginRecords(connection, clock)
        self.archive: Archive = MongoArchive(self._collections())

    async def ping(self) -> None:
        """Return if the database answers; raise ``StoreUnavailable`` if it does not."""
        await self._connection.database.ping()

    async def status(self) -> StoreStatus:
        """What state the database is in; nothing is changed."""
        async with self._connection.borrowed() as database:
            return StoreStatus(
                name=f"mongodb://{database.name}",
                version=await version(database),
                current=VERSION,
                missing=await missing(database),
                facts=await _facts(database),
            )

    async def migrate(self) -> Sequence[str]:
        """Create the indexes that are missing; what was done."""
        async with self._connection.borrowed() as database:
            return await migrate(database)

    async def __aenter__(self) -> Self:
        """Connect, prepare an empty database, and finish what another process left unfinished."""
        database = self._connection.connect()
        try:
            await prepare(database)
            await self._connection.open(database)
            await self._unfinished.settle()
            await self.ledger.kept.settle()
        except BaseException:
            await self._connection.close()
            await database.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close all connections."""
        await self._connection.close()

    def _collections(self) -> Mapping[str, Records]:
        return {
            "roles": self.roles,
            "users": self.users,
            "groups": self.groups,
            "agents": self.agents,
            "agent_versions": MongoVersions(self.agents),
            "keys": self.keys,
            "grants": self.grants,
            "conversations": self.conversations,
            "files": self.files,
            "runs": self.runs,
            "audit": self.audit,
            "continuations": self.continuations,
            "accounts": self.ledger.kept,
            "ledger": self.ledger,
            "outbox": self.outbox,
            "records": self.records,
        }


async def _facts(database: Database) -> Mapping[str, str]:
    hello: Mapping[str, Any] = await topology(database)
    with database.translated():
        built = await database.client.admin.command("buildInfo")
    return {"mongodb": str(built["version"]), "topology": _topology(hello)}


def _topology(hello: Mapping[str, Any]) -> str:
    if hello.get("msg") == "isdbgrid":
        return "sharded cluster"
    return f"replica set {hello['setName']}" if "setName" in hello else "standalone server"
