"""Entries of the ledger, made of usage."""

from hookline.ledger import LedgerEntry
from hookline.usage import UsageEntry


def entry_of(used: UsageEntry, account: str | None) -> LedgerEntry:
    """The entry of what was used; what it cost is taken from the account, if there is one."""
    price = used.price
    return LedgerEntry(
        id=used.id,
        kind="usage" if used.tool is None else "tool",
        account=account,
        amount=0 if price is None else -price.amount,
        at=used.at,
        run=used.run,
        step=used.step,
        agent=used.agent,
        provider=used.provider,
        vendor=used.vendor,
        model=used.model,
        user=used.user,
        key=used.key,
        conversation=used.conversation,
        tool=used.tool,
        usage_type=used.usage_type,
        tokens=used.tokens,
        estimated=used.estimated,
        incomplete=used.incomplete,
        unpriced=price is None,
        price_version="" if price is None else price.version,
        rates={} if price is None else price.rates,
    )
