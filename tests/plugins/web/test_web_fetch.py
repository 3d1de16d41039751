"""``web_fetch`` on pages that a server on 127.0.0.1 gives."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from hookline import Agent, PluginContext, ToolResult
from hookline.outbound import FetchTimeout, TargetRefused
from hookline_web import Settings, tool_loader
from hookline_web.pages import NotText
from support.asking import SCOPE, fetched, finished
from support.sites import MISSING, Site, Write, answer, hanging, page, redirect

LOCAL = {"allow_private": ["127.0.0.1"]}


def read(answers: Mapping[str, Write] | Write, *, settings: Any = (), **asked: Any) -> ToolResult:
    """What the tool makes of a page; the site's own URL is left out."""

    async def run() -> ToolResult:
        served = answers if isinstance(answers, Mapping) else {"/": answers}
        async with Site(served) as site:
            made = msgspec.convert({**LOCAL, **dict(settings)}, Settings)
            result = await fetched(made, {"url": f"{site.url}/", **asked})
            return ToolResult(result.text.replace(site.url, "http://site"), failed=result.failed)

    result: ToolResult = finished(run())
    return result


def test_a_page():
    """A page has its URL, its title and its text."""
    html = b"<title>T</title><h1>Hello</h1><p>See <a href=/b>b</a>."

    assert ToolResult("URL: http://site/\nTitle: T\n\n# Hello\n\nSee [b](http://site/b).") == read(
        page(html)
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"<b>a</b>\n b"),
        ("application/json; charset=utf-8", b'{"a": 1}'),
        ("application/problem+json", b"{}"),
        ("image/svg+xml", b"<svg/>"),
        ("text/markdown", b"# A"),
    ],
)
def test_other_text_is_as_it_is(content_type: str, body: bytes):
    """Text that is no HTML is not changed."""
    assert f"URL: http://site/\n\n{body.decode()}" == read(page(body, content_type)).text


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("", b"\xef\xbb\xbfgr\xc3\xbcn", "grün"),
        ("", b"plain", "plain"),
        ("", b"<!DOCTYPE html><p>x", "x"),
        ("", b" <html><p>x", "x"),
        ("text/html; charset=iso-8859-1", b"gr\xfcn \x93x\x94", "grün “x”"),
        ('text/html; charset="Shift_JIS"', b"\x93\xfa\x96{", "日本"),
        ("text/html; charset=utf-16", "grün".encode("utf-16-le"), "grün"),
        ("text/html", "\ufeffgrün".encode("utf-16-be"), "grün"),
        ("text/html", b"<meta charset=windows-1251>\xe4\xe0", "да"),
        ("text/html", b"<meta content='text/html; charset=GB2312'>\xd6\xd0", "中"),
        ("text/html", b"<meta charset=utf-16>gr\xc3\xbcn", "grün"),
        ("text/xml", b"<?x encoding='koi8-r'?>\xc4\xc1", "<?x encoding='koi8-r'?>да"),
        ("text/html", b"gr\xfcn", "grün"),
        ("text/html; charset=unknown", b"gr\xc3\xbcn", "grün"),
        ("text/html; charset=utf-7", b"+ADw-b", "+ADw-b"),
        ("text/html; charset=unicode_escape", b"\\x41", "\\x41"),
        ("text/html; charset=rot13", b"abc", "abc"),
        ("text/html; charset=utf-8", b"a\xffb", "a\ufffdb"),
    ],
)
def test_charsets(content_type: str, body: bytes, expected: str):
    """The character set is the mark's, the header's, UTF-8, the page's own or Windows-1252."""
    assert f"URL: http://site/\n\n{expected}" == read(page(body, content_type)).text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/pdf", b"%PDF-1.7"),
        ("image/png", b"\x89PNG"),
        ("application/octet-stream", b"x"),
        ("text/plain", b"a\x00b"),
        ("", b"\x89PNG\x00"),
    ],
)
def test_what_is_not_text_is_refused(content_type: str, body: bytes):
    """What cannot be read as text is an error that names its type."""
    with pytest.raises(NotText, match=content_type or "unnamed"):
        read(page(body, content_type))


def test_parts():
    """A long text comes in parts; each says where the next one begins."""
    body = page(b"0123456789", "text/plain")

    assert [
        "0123\n\n[Characters 0 to 4 of 10. The text goes on with start_index=4.]",
        "4567\n\n[Characters 4 to 8 of 10. The text goes on with start_index=8.]",
        "89",
        "[There is nothing from 12 on; the text has 10 characters.]",
    ] == [
        read(body, max_length=4, start_index=start).text.partition("\n\n")[2]
        for start in (0, 4, 8, 12)
    ]


def test_the_length_of_a_part_is_a_setting():
    """Unless the model asks for another length, the settings say how long a part is."""
    result = read(page(b"0123456789", "text/plain"), settings={"max_length": 8})

    assert "Characters 0 to 8 of 10." in result.text


def test_a_page_that_is_too_large():
    """Of a page that is larger than the limit, the beginning is read, and it says so."""
    result = read(page("é".encode() * 10, "text/plain"), settings={"limit": 5})

    assert (
        "URL: http://site/\n\néé\n\n[The page has more than 5 bytes; the rest was not read.]"
        == result.text
    )


def test_an_empty_page():
    """A page without text says so."""
    assert "URL: http://site/\n\n[There is no text.]" == read(page(b"<p> </p>")).text


def test_statuses():
    """Another status than 2xx is a failure; what the server says of it is read."""
    assert ToolResult(
        "URL: http://site/\nStatus: 404 Not Found\n\nThere is no such page.", failed=True
    ) == read(MISSING)
    assert read(answer("599 Whatever", b"x", content_type="text/plain")).failed


def test_redirects():
    """Redirects are followed, as far as the settings say; the URL is that of the page."""
    answers = {"/": redirect("/b"), "/b": page(b"there")}

    assert "URL: http://site/b\n\nthere" == read(answers).text
    assert "Status: 302 Found" in read(answers, settings={"redirects": 0}).text


def test_who_asks():
    """The user agent is a setting."""

    async def run() -> str:
        async with Site({"/": page(b"")}) as site:
            settings = Settings(**LOCAL, user_agent="Robot/1 (+https://example.com)")
            await fetched(settings, {"url": f" {site.url}/\n"})
            return site.requests[0].headers["user-agent"]

    assert "Robot/1 (+https://example.com)" == finished(run())


def test_time():
    """A server that hangs is left when the time is up."""
    with pytest.raises(FetchTimeout, match=r"within 0\.2 s"):
        read(hanging, settings={"timeout": 0.2})


def test_domains():
    """Where domains are named, no other is asked."""
    with pytest.raises(TargetRefused, match=r"127\.0\.0\.1 is not among the domains"):
        read(page(b""), settings={"allowed_domains": ["*.example.com"]})


@pytest.mark.parametrize(
    "settings", [{"allowed_domains": ["https://a.test"]}, {"allow_private": ["10.0.0.1/8"]}]
)
def test_settings_that_mean_nothing(settings: dict[str, Any]):
    """A domain or a network that is none stops start-up, and is named."""
    with pytest.raises(msgspec.ValidationError, match=r"is no (host|network)"):
        msgspec.convert(settings, Settings)


def test_the_definition():
    """The tool only reads, so it may be called again."""
    context = PluginContext(name="web", settings=Settings(), logger=None)
    agent = Agent(id="a", provider="p", model="m", tools=("web_fetch",))

    (spec,) = finished(tool_loader(context).definitions(agent, SCOPE.principal))

    assert ("web_fetch", True, ["url"]) == (spec.name, spec.repeatable, spec.parameters["required"])
