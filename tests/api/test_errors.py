"""Headers of answers under a limit, as OpenAI writes them."""

import pytest

from hookline.errors import AdmissionRefused
from hookline.quotas import Quota, RateLimit
from hookline_api.errors import duration, failure_of, quota_headers


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0s"),
        (-1.0, "0s"),
        (0.0001, "1ms"),
        (0.02, "20ms"),
        (0.9999, "1s"),
        (1.0, "1s"),
        (29.978, "29.978s"),
        (7.66, "7.66s"),
        (59.9999, "1m0s"),
        (360.0, "6m0s"),
        (3600.0, "1h0m0s"),
        (90061.5, "25h1m1.5s"),
    ],
)
def test_durations_are_written_as_openai_does(seconds: float, expected: str) -> None:
    """Milliseconds alone below a second, then seconds, minutes and hours; rounded up."""
    assert expected == duration(seconds)


def test_a_limit_that_is_not_there_has_no_headers() -> None:
    """Each limit has its three headers, and without limits there are none."""
    limit = RateLimit(limit=60, remaining=59, reset=1.0)

    assert {} == quota_headers(None)
    assert {} == quota_headers(Quota())
    assert {
        "x-ratelimit-limit-tokens": "60",
        "x-ratelimit-remaining-tokens": "59",
        "x-ratelimit-reset-tokens": "1s",
    } == quota_headers(Quota(tokens=limit))


@pytest.mark.parametrize(
    ("retry_after", "status", "type_", "code", "headers"),
    [
        (None, 402, "insufficient_quota", "insufficient_quota", {}),
        (0.0, 429, "rate_limit_error", "rate_limit_exceeded", {"retry-after": "1"}),
        (1.2, 429, "rate_limit_error", "rate_limit_exceeded", {"retry-after": "2"}),
        (86_399.5, 429, "rate_limit_error", "rate_limit_exceeded", {"retry-after": "86400"}),
    ],
)
def test_a_refusal_says_whether_waiting_helps(
    retry_after: float | None, status: int, type_: str, code: str, headers: dict[str, str]
) -> None:
    """402 where only paying does, and 429 with whole seconds, at least one, where waiting does."""
    failure = failure_of(AdmissionRefused("no", retry_after=retry_after))

    assert status == failure.status
    assert (type_, code) == (failure.detail.type, failure.detail.code)
    assert headers == failure.headers
