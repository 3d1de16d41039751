"""Variables in instructions. Source: the seed's 8.4."""

from datetime import UTC, datetime

import pytest

from hookline.errors import InvalidRequest
from hookline.variables import fill, zone_of

SUNDAY = datetime(2024, 4, 28, 23, 30, 5, 123_456, UTC)


def filled(text: str, zone: str = "UTC", user_name: str | None = "Alice") -> str:
    """The text on a Sunday, half an hour before midnight in Greenwich."""
    return fill(text, at=SUNDAY, zone=zone_of({}, zone), user_name=user_name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{current_date}}", "2024-04-28 (0)"),
        ("{{current_datetime}}", "2024-04-28 23:30:05 (0)"),
        ("{{iso_datetime}}", "2024-04-28T23:30:05.123Z"),
        ("{{current_user}}", "Alice"),
        ("{{CURRENT_Date}} {{Current_User}}", "2024-04-28 (0) Alice"),
        ("{{current_user}}, {{current_user}}!", "Alice, Alice!"),
        ("{{current_year}} {current_user} {{ current_user }}", None),
        ("{{}} {{", None),
        ("", None),
    ],
)
def test_variables_are_filled_in(text: str, expected: str | None) -> None:
    """All occurrences, in capitals or not; whatever is no variable stays as it is."""
    assert filled(text) == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "2024-04-29 01:30:05 (1) 2024-04-28T23:30:05.123Z"),
        ("America/New_York", "2024-04-28 19:30:05 (0) 2024-04-28T23:30:05.123Z"),
        ("Asia/Kathmandu", "2024-04-29 05:15:05 (1) 2024-04-28T23:30:05.123Z"),
    ],
)
def test_days_and_hours_are_the_users(zone: str, expected: str) -> None:
    """It may be Monday elsewhere; the ISO moment is in UTC everywhere."""
    assert filled("{{current_datetime}} {{iso_datetime}}", zone) == expected


@pytest.mark.parametrize(("day", "number"), [(27, 6), (28, 0), (29, 1), (30, 2)])
def test_weeks_begin_on_sunday(day: int, number: int) -> None:
    """Which has the number 0."""
    at = SUNDAY.replace(day=day)

    text = fill("{{current_date}}", at=at, zone=zone_of({}, "UTC"), user_name=None)

    assert text == f"2024-04-{day} ({number})"


@pytest.mark.parametrize("name", [None, ""])
def test_nobody_has_no_name(name: str | None) -> None:
    """Without a name the variable stays, as the seed leaves it."""
    assert filled("Hi {{current_user}}", user_name=name) == "Hi {{current_user}}"


def test_a_name_is_text() -> None:
    """A user called like a variable, or like a pattern, is called so."""
    assert filled("{{current_user}}", user_name=r"\1{{current_date}}") == r"\1{{current_date}}"


def test_a_request_names_its_zone() -> None:
    """By ``metadata.time_zone``; otherwise it is the server's."""
    assert zone_of({"time_zone": "Asia/Tokyo"}, "UTC").key == "Asia/Tokyo"
    assert zone_of({"other": "Asia/Tokyo"}, "Europe/Berlin").key == "Europe/Berlin"


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", "../etc/passwd", "/etc/localtime", "a\0b", "Europe"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    """With the field; a name that would lead to a file of the server's is unknown, too."""
    with pytest.raises(InvalidRequest) as raised:
        zone_of({"time_zone": name}, "UTC")

    assert raised.value.param == "metadata.time_zone"
