"""The suite for stores finds what is wrong with a store."""

from collections import Counter
from unittest import SkipTest

import pytest

from hookline.errors import RequestError
from hookline.testing import StoreContract
from hookline_memory import MemoryStore
from support import faulty_ledgers as money
from support import faulty_records as lasting
from support import faulty_stores as faults

FAULTS = [
    ("users", faults.IgnoresCase, "ids_are_told_apart"),
    ("users", faults.OrdersByCase, "documents_are_listed_in_pages"),
    ("users", faults.HasNoPages, "documents_are_listed_in_pages"),
    ("users", faults.IgnoresVersions, "a_change_for_another_version_is_refused"),
    ("users", faults.ChecksTooEarly, "of_writers_for_one_version_one_wins"),
    ("users", faults.ChecksTooEarly, "of_creators_at_once_one_wins"),
    ("users", faults.ChecksTooEarly, "what_is_read_and_written_back_is_not_lost"),
    ("users", faults.ReadsTooEarly, "writers_for_any_version_make_distinct_ones"),
    ("users", faults.CountsAnew, "a_version_number_is_never_used_twice"),
    ("users", faults.DeletesTwice, "a_document_is_deleted_once"),
    ("users", faults.AlwaysMakesVersions, "the_same_again_makes_no_version"),
    ("users", faults.CutsWhatIsLarge, "what_is_too_large_is_refused"),
    ("users", faults.RefusesTooMuch, "what_is_almost_too_large_is_kept"),
    ("users", faults.GuessesZones, "moments_of_documents_are_utc"),
    ("users", faults.KeepsZones, "moments_of_documents_are_utc"),
    ("users", faults.KeepsMilliseconds, "a_document_comes_back_as_it_was_put"),
    ("users", faults.DropsTheUnknown, "what_a_newer_hookline_wrote_survives"),
    ("agents", faults.GivesOnChanges, "an_agent_is_created_with_its_grants"),
    ("agents", faults.GivesOnChanges, "an_agent_is_not_kept_without_its_grants"),
    ("agents", faults.GivesFirst, "of_creators_at_once_one_gives_grants"),
    ("agents", faults.GivesFirst, "a_refused_agent_gives_no_grants"),
    ("agents", faults.LeavesGrants, "an_agent_goes_with_its_grants"),
    ("agents", faults.TakesOtherGrants, "an_agent_goes_with_its_grants"),
    ("agents", faults.BeginsWithTheOldest, "versions_are_listed_newest_first"),
    ("agents", faults.FindsTheCurrentVersion, "every_version_can_be_found"),
    ("agents", faults.RemembersTheDeleted, "a_deleted_agent_has_no_versions"),
    ("agents", faults.SharesWhatItKeeps, "what_a_caller_changes_later_is_not_kept"),
    ("agents", faults.ComparesLoosely, "a_value_of_another_type_is_a_change"),
    ("agents", faults.LosesNulls, "any_json_survives"),
    ("keys", faults.CountsTooEarly, "a_user_has_so_many_keys_at_most"),
    ("keys", faults.FindsCapitals, "a_key_is_found_by_its_digest"),
    ("keys", faults.RevokesAgain, "a_revoked_key_stays_revoked"),
    ("keys", faults.MovesUseBack, "last_use_only_moves_forward"),
    ("keys", faults.SuspectsStrangers, "invalid_keys_are_told_apart"),
    ("keys", faults.SkipsKeysOfOneMoment, "keys_are_listed_in_pages"),
    ("grants", faults.TakesWhatItGave, "a_change_gives_and_takes"),
    ("grants", faults.HasPlainBits, "a_grant_comes_back_as_it_was_put"),
    ("grants", faults.HidesTheExpired, "grants_are_found_by_grantee"),
    ("groups", faults.RemembersMembers, "groups_are_found_by_member"),
    ("conversations", faults.IgnoresOwners, "a_conversation_belongs_to_its_owner"),
    ("conversations", faults.GoesBack, "a_conversation_moves_on"),
    ("conversations", faults.GoesBack, "the_latest_of_writers_at_once_stays"),
    ("files", faults.AddsTwice, "a_file_is_added_once"),
    ("runs", faults.RunsAgain, "a_run_ends_once"),
    ("runs", faults.RunsAgain, "the_end_of_a_run_stays_whoever_is_faster"),
    ("runs", faults.ForgetsRunning, "old_runs_are_forgotten"),
    ("audit", faults.Rewrites, "a_record_is_never_changed"),
    ("audit", faults.ReadsForward, "the_audit_is_read_newest_first"),
    ("continuations", faults.FindsForEveryone, "a_continuation_belongs_to_a_user_and_an_agent"),
    ("continuations", faults.NeverExpires, "an_expired_continuation_is_not_found"),
    ("outbox", money.FindsTheFirst, "a_run_in_the_outbox_is_found_by_its_id"),
    ("outbox", money.PutsAnything, "a_run_of_another_server_is_not_put"),
    ("outbox", money.PutsAnything, "a_claimed_run_is_lost_to_its_server"),
    ("outbox", money.PutsAllOrNothing, "a_run_of_another_server_is_not_put"),
    ("outbox", money.LooksBeforeItPuts, "of_putters_at_once_one_owns_the_run"),
    ("outbox", money.LooksBeforeItPuts, "a_claim_and_a_put_at_once_agree"),
    ("outbox", money.RemovesForAnyone, "a_server_forgets_its_own_runs"),
    ("outbox", money.IgnoresLeases, "a_lease_protects_runs"),
    ("outbox", money.ShortensLeases, "a_lease_that_is_renewed_protects_on"),
    ("outbox", money.KeepsFirstLeases, "a_lease_that_is_renewed_protects_on"),
    ("outbox", money.StaysAfterLeaving, "a_server_that_leaves_protects_nothing"),
    ("outbox", money.AsksForALease, "runs_without_a_lease_are_claimed"),
    ("outbox", money.ClaimsWhatRests, "runs_at_rest_stay_where_they_are"),
    ("outbox", money.ClaimsItsOwn, "a_server_does_not_claim_its_own"),
    ("outbox", money.ClaimsTooEarly, "of_claimers_at_once_one_gets_a_run"),
    ("outbox", money.RetriesForItsServer, "what_is_parked_can_be_told_again"),
    ("outbox", money.ForgetsWhatIsTaken, "what_is_parked_can_be_told_again"),
    ("outbox", money.CountsParkedRuns, "the_outbox_counts_what_it_has"),
    ("ledger", money.AddsBeforeItChecks, "a_change_of_another_version_is_refused"),
    ("ledger", money.AddsBeforeItChecks, "an_account_that_is_too_large_is_refused"),
    ("ledger", money.AddsAfterwards, "changers_at_once_lose_nothing"),
    ("ledger", money.ChecksAccountsTooEarly, "changers_at_once_lose_nothing"),
    ("ledger", money.ChecksAccountsTooEarly, "of_openers_of_an_account_one_wins"),
    ("ledger", money.CreatesTwice, "a_change_of_another_version_is_refused"),
    ("ledger", money.HasNoLimit, "an_account_that_is_too_large_is_refused"),
    ("ledger", money.HasNoLimit, "moments_of_accounts_are_utc"),
    ("ledger", money.ForgetsTheNewer, "what_was_written_into_other_things_survives"),
    ("ledger", money.RewritesEntries, "a_known_entry_stays_as_it_is"),
    ("ledger", money.OrdersByMoment, "entries_are_read_newest_first"),
    ("ledger", money.IncludesTheEnd, "entries_are_asked_for_by_time"),
    ("ledger", money.LooksForOneCorrection, "entries_are_asked_for_by_kind_and_correction"),
    ("ledger", money.SumsFloats, "sums_are_exact"),
    ("ledger", money.SumsOnlyCalls, "spending_is_summed"),
    ("ledger", money.CountsCorrections, "spending_is_summed"),
    ("ledger", money.OrdersNoneLast, "sums_are_in_the_order_of_their_texts"),
    ("ledger", money.SumsByKind, "spending_is_summed"),
    ("ledger", money.HasNoSumOfNothing, "the_sum_of_nothing_is_nothing"),
    ("agents", lasting.DropsWhatIsNewInAgents, "a_document_comes_back_as_it_was_put"),
    ("files", lasting.AddsOnly, "a_file_takes_the_place_of_another"),
    ("files", lasting.PutsTwice, "what_was_written_into_other_things_survives"),
    ("files", lasting.FindsTheFirstName, "a_file_is_found_by_its_name"),
    ("files", lasting.FindsNamesOfAnyConversation, "a_file_is_found_by_its_name"),
    ("files", lasting.FindsNamesOfAnybody, "a_file_is_found_by_its_name"),
    ("files", lasting.SumsTheLasting, "the_bytes_of_an_owner_are_summed"),
    ("files", lasting.SumsFloats, "the_bytes_of_an_owner_are_summed"),
    ("files", lasting.SumsEverybodys, "the_bytes_of_an_owner_are_summed"),
    ("files", lasting.HoldsForever, "bytes_are_held_as_long_as_a_file_has_them"),
    ("files", lasting.HoldsTheOldestOwners, "bytes_are_held_as_long_as_a_file_has_them"),
    ("files", lasting.ListsTheOldestLast, "files_are_listed_backwards"),
    ("files", lasting.SharesMetadata, "metadata_that_a_caller_changes_later_are_not_kept"),
    ("files", lasting.DropsMetadata, "a_file_comes_back_as_it_was_added"),
    ("records", lasting.IgnoresWhatIsExpected, "a_record_of_another_version_is_not_replaced"),
    ("records", lasting.IgnoresWhatIsExpected, "of_putters_for_one_version_one_wins"),
    ("records", lasting.LooksBeforeItPuts, "of_putters_for_one_version_one_wins"),
    ("records", lasting.LooksBeforeItPuts, "putters_for_any_version_follow_one_another"),
    ("records", lasting.LooksBeforeItPuts, "what_is_counted_in_a_record_is_not_lost"),
    ("records", lasting.LooksBeforeItPuts, "a_record_ends_by_itself"),
    ("records", lasting.PutsNothingNew, "a_record_put_again_has_the_next_version"),
    ("records", lasting.CountsOnAfterTheEnd, "a_record_of_another_version_is_not_deleted"),
    ("records", lasting.CountsOnAfterTheEnd, "an_expired_record_is_not_there"),
    ("records", lasting.BelievesWhatItIsGiven, "a_record_comes_back_as_it_was_kept"),
    ("records", lasting.KeepsText, "bytes_of_records_are_exact"),
    ("records", lasting.EndsTextAtNull, "bytes_of_records_are_exact"),
    ("records", lasting.HasOneCollection, "a_record_comes_back_as_it_was_kept"),
    ("records", lasting.ListsByPrefix, "records_are_listed_in_pages"),
    ("records", lasting.ListsNobodysForAll, "records_are_listed_in_pages"),
    ("records", lasting.OrdersRecordsByCase, "records_are_listed_in_pages"),
    ("records", lasting.ListsNobodysForAll, "odd_records_are_told_apart"),
    ("records", lasting.WaitsToExpire, "an_expired_record_is_not_there"),
    ("records", lasting.WaitsToExpire, "a_record_ends_by_itself"),
    ("records", lasting.ListsTheExpired, "an_expired_record_is_not_there"),
    ("records", lasting.DeletesTheExpired, "an_expired_record_is_not_there"),
    ("records", lasting.LetsTheEndedCount, "an_expired_record_is_not_there"),
    (
        "records",
        lasting.IgnoresWhatIsExpectedOfADeletion,
        "a_record_of_another_version_is_not_deleted",
    ),
    ("records", lasting.LooksBeforeItDeletes, "a_record_is_deleted_once"),
    ("records", lasting.ForgetsThoseWithoutAnEnd, "expired_records_are_forgotten"),
    ("records", lasting.ForgetsTooLate, "expired_records_are_forgotten"),
    ("records", lasting.HasNoLimits, "a_record_that_is_too_large_is_refused"),
    ("records", lasting.HasNoLimits, "a_collection_is_a_name"),
    ("records", lasting.HasNoLimits, "moments_of_records_are_utc"),
    ("records", lasting.DropsWhatIsNewer, "what_was_written_into_a_record_survives"),
    ("records", lasting.LeavesWhatIsNewer, "what_was_written_into_a_record_survives"),
    ("archive", lasting.ArchivesTheLivingAlone, "records_are_archived_by_collection_and_id"),
    ("archive", lasting.ArchivesByIdAlone, "records_are_archived_by_collection_and_id"),
    ("archive", faults.HidesTombstones, "the_archive_says_what_is_kept"),
    ("archive", faults.PutsWhatIsWritten, "a_record_takes_the_place_of_another"),
    ("archive", faults.ArchivesSetsAsTheyCome, "content_is_the_same_in_every_store"),
    ("archive", faults.ArchivesKnownFields, "a_replaced_version_keeps_what_was_written_into_it"),
]


class Suite(StoreContract):
    """The suite, on a store with a fault in one port."""

    def __init__(self, port, fault):
        self._port = port
        self._fault = fault

    def open(self, tmp_path):
        store = MemoryStore()
        setattr(store, self._port, self._fault(getattr(store, self._port), store))
        return store


@pytest.mark.parametrize(("port", "fault", "test"), FAULTS)
def test_a_fault_is_found(port, fault, test, tmp_path):
    """A store with one fault fails the test that is about it; one without passes it."""
    check = f"test_{test}"

    getattr(Suite(port, faults.Port), check)(tmp_path)
    with pytest.raises((AssertionError, RequestError)):
        getattr(Suite(port, fault), check)(tmp_path)


def test_a_store_that_forgets_is_not_durable(tmp_path):
    """One that says it is durable, and is not, fails; one that says so is not asked."""
    suite = Suite("users", faults.Port)

    with pytest.raises(AssertionError):
        suite.test_what_is_kept_outlives_the_store(tmp_path)
    suite.durable = False
    with pytest.raises(SkipTest):
        suite.test_what_is_kept_outlives_the_store(tmp_path)


def test_no_part_of_the_suite_hides_another():
    """Each test's name is in one part alone: of two with one name, pytest would run one."""
    parts = StoreContract.__mro__
    names = Counter(name for part in parts for name in vars(part) if name.startswith("test_"))

    assert [] == [name for name, times in names.items() if times > 1]
    assert len(names) > 80
