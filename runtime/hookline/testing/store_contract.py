"""What every store must do. A suite for pytest, to be subclassed.

::

    class TestMyStore(StoreContract):
        def open(self, tmp_path):
            return MyStore(tmp_path / "data")
"""

from pathlib import Path
from unittest import SkipTest

from hookline.store import Store
from hookline.testing.agent_contract import AgentContract
from hookline.testing.continuation_contract import ContinuationContract, found
from hookline.testing.key_contract import KeyContract
from hookline.testing.suite import AGENT, run, sample_continuation, sample_key


class StoreContract(AgentContract, KeyContract, ContinuationContract):
    """Subclass it and say how your store is opened."""

    def test_an_open_store_answers(self, tmp_path: Path) -> None:
        """A ping returns."""

        async def check(store: Store) -> None:
            await store.ping()

        run(check, self.open(tmp_path))

    def test_what_is_kept_outlives_the_store(self, tmp_path: Path) -> None:
        """A store that is opened again holds all that was put into the first one."""
        if not self.durable:
            message = "this store says that it is not durable"
            raise SkipTest(message)
        key, continuation = sample_key("secret"), sample_continuation("run_1", "call_a")

        async def keep(store: Store) -> None:
            await store.agents.put(AGENT)
            await store.keys.add(key)
            await store.continuations.put(continuation)

        async def check(store: Store) -> None:
            assert await store.agents.get(AGENT.id) == AGENT
            assert await store.keys.find(key.digest) == key
            assert await found(store, ["call_a"]) == [continuation]

        run(keep, self.open(tmp_path))
        run(check, self.open(tmp_path))
