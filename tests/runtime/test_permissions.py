"""Resource filters: one answer for a list and for a single check."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.permissions import EVERYTHING, NOTHING, Credentials, Principal, ResourceFilter

IDS = st.frozensets(st.sampled_from("abcd"))
FILTERS = st.one_of(st.just(EVERYTHING), IDS.map(ResourceFilter))


@given(FILTERS, FILTERS, st.sampled_from("abcde"))
def test_filters_combine_like_the_checks_they_stand_for(one, other, resource):
    """``|`` allows what either allows, ``&`` what both do, for everything and for sets alike."""
    assert (resource in one or resource in other) == (resource in (one | other))
    assert (resource in one and resource in other) == (resource in (one & other))


@given(FILTERS)
def test_everything_and_nothing_are_the_ends(one):
    """Nothing adds nothing and everything takes nothing away."""
    assert (one, one) == (one | NOTHING, one & EVERYTHING)
    assert (EVERYTHING, NOTHING) == (one | EVERYTHING, one & NOTHING)


def test_everything_holds_what_nobody_made_yet():
    """``EVERYTHING`` is no list; ``NOTHING`` holds nothing."""
    assert "new" in EVERYTHING
    assert "new" not in NOTHING


def test_a_token_does_not_show():
    """Credentials that end up in a log or a traceback say nothing."""
    assert "hk-secret" not in repr(Credentials("hk-secret"))


def test_a_principal_cannot_be_changed():
    """A plugin that is handed a principal cannot make another user of it."""
    principal = Principal(user="alice")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        principal.user = "root"
