"""Names of tools are readable, fit, and never stand for two domains."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hookline_actions.naming import DOMAIN_LENGTH, domain, tool_names
from hookline_actions.operations import Operation

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["action", "api", "example", "a-b", "action-x", "x-action"]
)
origins = st.builds(
    lambda scheme, host, port: f"{scheme}://{host}{port}",
    st.sampled_from(["https", "http"]),
    st.lists(labels, min_size=1, max_size=6).map(".".join),
    st.sampled_from(["", ":8443", ":80"]),
)
ids = st.sampled_from(["", "get", "get_action_a", "action", "getPet", "x_action"]) | st.text(
    max_size=80
)


def operation(origin: str, id_: str = "", path: str = "/pets/{id}") -> Operation:
    """A GET."""
    return Operation(id=id_, method="GET", path=path, base=origin, origin=origin)


def name(origin: str, id_: str = "getPet") -> str:
    """The name of an operation that is alone."""
    return tool_names([operation(origin, id_)])[0]


def test_names_are_readable():
    """A host stands for itself where it can; else a hash follows."""
    assert "getPet_action_petstore_swagger_io" == name("https://petstore.swagger.io")
    assert "get_pets_id_action_api_example_com" == name("https://api.example.com", "")
    assert "getPet_action_127_0_0_1_8000__mn3hvjlblwv2" == name("http://127.0.0.1:8000")


def test_what_the_seed_confuses():
    """Hosts whose names begin alike have tools of their own. Source: seed 14 D."""
    hosts = [f"https://api.{word}.example.com" for word in ("crm", "mail", "files")]
    hosts += [f"{host}:8443" for host in hosts] + ["https://api-crm.example.com"]

    assert len(hosts) == len({name(host) for host in hosts})


@given(origins, origins, ids, ids)
def test_domains_never_share_a_name(one: str, other: str, id_: str, other_id: str):
    """Whatever operations are called, two origins have no name in common."""
    if one != other:
        assert name(one, id_) != name(other, other_id)


@given(origins)
def test_domain_is_told_from_the_operation(origin: str):
    """What follows the last ``_action_`` is the domain, and fits."""
    found = name(origin, "x_action_y")

    assert domain(origin) == found.rpartition("_action_")[2]
    assert len(domain(origin)) <= DOMAIN_LENGTH


@given(origins, st.lists(st.tuples(ids, st.sampled_from(["/a", "/a/{b}", "/{a}/b", "/ü"])),
                         max_size=6, unique=True))  # fmt: skip
def test_names_fit_and_differ(origin: str, made: list[tuple[str, str]]):
    """The names of a document's operations fit, differ, and are the same every time."""
    operations = [operation(origin, id_, f"{path}/{n}") for n, (id_, path) in enumerate(made)]

    names = tool_names(operations)

    assert all(NAME.match(one) for one in names)
    assert len(names) == len(set(names))
    assert names == tool_names(operations)


def test_prefix():
    """A prefix keeps two documents of one server apart."""
    one = [operation("https://a.com", "getPet")]

    assert ["v2_getPet_action_a_com"] == tool_names(one, "v2_")
