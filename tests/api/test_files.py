"""``/v1/files`` over HTTP: who may do what, parts of files, and what is refused."""

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hookline.blobs import PIECE
from hookline.filing import Files
from hookline.grants import Bits, Grant, Grantee, Resource
from hookline.moments import now
from support.server import KEY, RunningServer, add_key, running_server

LIMIT = 3_000_000
QUOTA = 5_000_000
BOB, READER = "hk-bob", "hk-reader"
SECONDS = 30
MANY = {"purpose": "user_data"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with alice, bob, and a key of alice's that only reads."""
    files = {"url": f"file://{tmp_path}/files", "limit": LIMIT, "quota": QUOTA}
    with running_server({"files": files, "server": {"body_limit": 10_000}}) as server:
        server.run(add_key(server.runtime, BOB, user="bob"))
        server.run(add_key(server.runtime, READER, read_only=True))
        yield server


def ask(
    site: RunningServer, method: str, path: str = "", *, key: str = KEY, **options: Any
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
    url = f"{site.url}/files{path}"
    return httpx.request(method, url, headers=headers, timeout=SECONDS, **options)


def upload(
    site: RunningServer, content: bytes, name: str = "a.txt", *, key: str = KEY, **fields: str
) -> httpx.Response:
    files = {"file": (name, io.BytesIO(content), "text/html")}
    return ask(site, "POST", key=key, files=files, data={**MANY, **fields})


def kept(site: RunningServer, content: bytes, name: str = "a.txt", *, key: str = KEY) -> str:
    """The id of a file that was uploaded."""
    id_: str = upload(site, content, name, key=key).raise_for_status().json()["id"]
    return id_


def grant(site: RunningServer, file: str, bits: Bits) -> None:
    """Give bob something on a file."""
    made = Grant(grantee=Grantee("user", "bob"), resource=Resource("file", file), bits=bits)
    site.run(site.runtime.registry.store.grants.apply([made]))
    site.runtime.forget()


def test_a_download_is_safe(site: RunningServer) -> None:
    """It is saved, not shown; its type is that of its bytes, whatever the client said."""
    page = kept(site, b"<html><script>alert(1)</script>", 'dir/a "b" \N{SNOWMAN}.txt')

    answer = ask(site, "GET", f"/{page}/content")

    assert b"<html><script>alert(1)</script>" == answer.content
    assert {
        "content-type": "text/html; charset=utf-8",
        "content-length": "31",
        "content-disposition": (
            "attachment; filename=\"a _b_ _.txt\"; filename*=UTF-8''a%20%22b%22%20%E2%98%83.txt"
        ),
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
        "etag": f'"{hashlib.sha256(answer.content).hexdigest()}"',
    }.items() <= dict(answer.headers).items()


@pytest.mark.parametrize(
    ("wanted", "status", "content", "says"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-999999999999999999", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=4-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_parts_of_a_file(
    site: RunningServer, wanted: str, status: int, content: bytes | None, says: str | None
) -> None:
    """A range of bytes has its bytes; several, and what is none, have all of them."""
    file = kept(site, b"0123456789")

    answer = ask(site, "GET", f"/{file}/content", headers={"range": wanted})

    assert (status, says) == (answer.status_code, answer.headers.get("content-range"))
    if content is None:
        assert "range_not_satisfiable" == answer.json()["error"]["code"]
    else:
        assert content == answer.content


def test_a_part_is_sent_to_whoever_has_the_same_file(site: RunningServer) -> None:
    """With ``If-Range`` another file is sent as a whole, and a known one not at all."""
    file = kept(site, b"0123456789")
    path = f"/{file}/content"
    etag = ask(site, "HEAD", path).headers["etag"]

    def status(**headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(site, "GET", path, headers=sent).status_code

    assert 206 == status(range="bytes=1-2", if_range=etag)
    assert 200 == status(range="bytes=1-2", if_range='"other"')
    assert 200 == status(range="bytes=1-2", if_range="Sat, 21 Nov 2026 09:00:00 GMT")
    assert 304 == status(if_none_match=f'"x", W/{etag}')
    assert 200 == status(if_none_match='"x"')


def test_the_head_of_a_file(site: RunningServer) -> None:
    """HEAD says what GET would, and sends no bytes."""
    file = kept(site, b"0123456789")

    answer = ask(site, "HEAD", f"/{file}/content")

    assert (200, "10", b"") == (
        answer.status_code,
        answer.headers["content-length"],
        answer.content,
    )


def test_an_empty_file(site: RunningServer) -> None:
    """It can be kept and read; no range of it can."""
    path = f"/{kept(site, b'')}/content"

    assert (200, b"") == ((answer := ask(site, "GET", path)).status_code, answer.content)
    assert 416 == ask(site, "GET", path, headers={"range": "bytes=0-"}).status_code


def test_strangers_do_not_see_that_there_is_a_file(site: RunningServer) -> None:
    """Others are told that there is none, in the same words as for one that is not there."""
    file = kept(site, b"x")

    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        answer = ask(site, method, f"/{file}{path}", key=BOB)
        assert 404 == answer.status_code
        assert f"No such File object: {file}" == answer.json()["error"]["message"]
    assert [] == ask(site, "GET", key=BOB).json()["data"]
    assert 404 == ask(site, "GET", "/file-nobody", key=BOB).status_code
    assert 200 == ask(site, "GET", f"/{file}").status_code


def test_a_grant_lets_others_read(site: RunningServer) -> None:
    """Who may view a file reads and lists it; to remove it takes the bit for that."""
    own, file = kept(site, b"own", key=BOB), kept(site, b"x")
    grant(site, file, Bits.VIEW)

    assert b"x" == ask(site, "GET", f"/{file}/content", key=BOB).content
    assert [file, own] == [one["id"] for one in ask(site, "GET", key=BOB).json()["data"]]
    assert 404 == ask(site, "DELETE", f"/{file}", key=BOB).status_code

    grant(site, file, Bits.VIEW | Bits.DELETE)

    assert 200 == ask(site, "DELETE", f"/{file}", key=BOB).status_code
    assert 404 == ask(site, "GET", f"/{file}").status_code


def test_read_only_keys_only_read(site: RunningServer) -> None:
    """They list and download; they neither upload nor delete."""
    file = kept(site, b"x")

    assert 200 == ask(site, "GET", f"/{file}/content", key=READER).status_code
    assert 403 == upload(site, b"y", key=READER).status_code
    assert 403 == ask(site, "DELETE", f"/{file}", key=READER).status_code


def test_files_are_listed_in_pages(site: RunningServer) -> None:
    """The newest first unless asked otherwise, from behind any of them, by purpose."""
    ids = [kept(site, bytes([i])) for i in range(5)]
    grant(site, ids[2], Bits.VIEW)
    ids.append(kept(site, b"later"))
    special = upload(site, b"special", purpose="vision").json()["id"]

    def listed(**params: Any) -> tuple[list[str], bool]:
        page = ask(site, "GET", params=params).json()
        return [one["id"] for one in page["data"]], page["has_more"]

    assert ([special, *reversed(ids)], False) == listed()
    assert ([special, ids[5]], True) == listed(limit=2)
    assert ([ids[4], ids[3]], True) == listed(limit=2, after=ids[5])
    assert (ids[:2], True) == listed(limit=2, order="asc")
    assert ([*ids[4:], special], False) == listed(order="asc", after=ids[3])
    assert ([special], False) == listed(purpose="vision")
    assert (ids, False) == listed(purpose="user_data", order="asc", limit=6)
    assert ([], False) == listed(purpose="nothing")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"purpose": ""}, "purpose"),
        ({"purpose": "world domination"}, "purpose"),
        ({"purpose": "assistants_output"}, "purpose"),
        ({"expires_after[anchor]": "created_at"}, "expires_after[seconds]"),
        ({"expires_after[seconds]": "3600"}, "expires_after[anchor]"),
        (
            {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"},
            "expires_after[seconds]",
        ),
        (
            {"expires_after[anchor]": "created_at", "expires_after[seconds]": "1e4"},
            "expires_after[seconds]",
        ),
    ],
)
def test_a_field_that_is_wrong_is_named(
    site: RunningServer, fields: dict[str, str], param: str
) -> None:
    """Nothing is kept of the file, not even its bytes."""
    answer = upload(site, b"x", **fields)

    assert (400, param) == (answer.status_code, answer.json()["error"]["param"])
    assert [] == ask(site, "GET").json()["data"]
    assert [] == everything(site)


def everything(site: RunningServer) -> list[Path]:
    """All that is in the folder of files."""
    url = site.runtime.registry.config.files.url
    return [path for path in Path(url.removeprefix("file://")).rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("kind", "body", "param"),
    [
        ("application/json", b"{}", None),
        ("multipart/form-data", b"x", None),
        ("multipart/form-data; boundary=b", b"", None),
        ("multipart/form-data; boundary=b", b"--b\r\n", None),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nab',
            None,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nab\r\n--b--\r\n',
            "file",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="x"; filename="a"\r\n\r\nab\r\n--b--\r\n',
            "x",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n%b\r\n--b--\r\n'
            % (b"x" * 70_000),
            None,
        ),
    ],
)
def test_what_is_no_form_is_refused(
    site: RunningServer, kind: str, body: bytes, param: str | None
) -> None:
    """With a 400, and nothing is left of it."""
    answer = ask(site, "POST", content=body, headers={"content-type": kind})

    assert (400, param) == (answer.status_code, answer.json()["error"]["param"])
    assert [] == everything(site)


def test_a_file_may_be_larger_than_other_bodies(site: RunningServer) -> None:
    """It has its own limit; above that nothing is kept, whether the size was announced or not."""

    def chunks(size: int) -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(size // 10_000):
            yield b"x" * 10_000
        yield b'\r\n--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n'
        yield b"vision\r\n--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert 200 == ask(site, "POST", content=chunks(LIMIT), headers=headers).status_code
    before = everything(site)
    for content in (chunks(LIMIT + 10_000), b"".join(chunks(LIMIT + 100_000))):
        answer = ask(site, "POST", key=BOB, content=content, headers=headers)
        assert (413, "file_too_large") == (
            answer.status_code,
            answer.json()["error"]["code"],
        )
    assert before == everything(site)


def test_uploads_at_the_same_moment_stay_within_the_quota(site: RunningServer) -> None:
    """However many there are; those that were refused leave nothing behind."""
    statuses: list[int] = []

    def work(number: int) -> None:
        statuses.append(upload(site, bytes([number]) * 1_100_000).status_code)

    threads = [threading.Thread(target=work, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)

    assert [200] * 4 + [400] * 6 == sorted(statuses)
    assert 4 == len(everything(site))
    refused = upload(site, b"x" * 1_000_000).json()["error"]
    assert ("file_quota_exceeded", "file") == (refused["code"], refused["param"])


def test_a_client_that_leaves_in_an_upload_leaves_nothing(site: RunningServer) -> None:
    """The bytes that came so far are removed."""

    def broken() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield os.urandom(2_000_000)
        raise ConnectionError

    with suppress(ConnectionError):
        ask(
            site,
            "POST",
            content=broken(),
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
    for _ in range(100):
        if not everything(site):
            break
        threading.Event().wait(0.05)

    assert [] == everything(site)


def test_an_expired_file_is_gone(site: RunningServer) -> None:
    """It is neither listed nor read, though the sweep has not come yet."""
    files: Files = site.runtime.registry.files
    past = now() - timedelta(seconds=1)
    old = site.run(files.save(b"x", owner="alice", name="a", expires_at=past))

    assert 404 == ask(site, "GET", f"/{old.id}").status_code
    assert [] == ask(site, "GET").json()["data"]


def test_bytes_that_two_files_share_are_kept_once(site: RunningServer) -> None:
    """They are there as long as one of the files is."""
    first, second = kept(site, b"same"), kept(site, b"same", key=BOB)

    assert 1 == len(everything(site))
    assert 200 == ask(site, "DELETE", f"/{first}").status_code
    assert b"same" == ask(site, "GET", f"/{second}/content", key=BOB).content
    assert 200 == ask(site, "DELETE", f"/{second}", key=BOB).status_code
    assert [] == everything(site)


def test_bytes_that_are_gone_are_missed(site: RunningServer) -> None:
    """A file whose bytes somebody else removed does not come as an empty one."""
    file = kept(site, b"x" * 100)
    for path in everything(site):
        path.unlink()

    answer = ask(site, "GET", f"/{file}/content")

    assert 404 == answer.status_code
    assert f"the bytes of {file} are gone" == answer.json()["error"]["message"]


def test_the_other_path_has_files_too(site: RunningServer) -> None:
    """The seed's path serves the same."""
    file = kept(site, b"x")
    url = f"{site.origin}/api/agents/v1/files/{file}"

    assert file == httpx.get(url, headers={"authorization": f"Bearer {KEY}"}).json()["id"]


def test_memory_is_bounded(site: RunningServer) -> None:
    """Large files are read a piece at a time."""
    files: Files = site.runtime.registry.files

    async def sizes() -> list[int]:
        file = await files.save(bytes(LIMIT), owner="alice", name="zeros")
        return [len(piece) async for piece in files.pieces(file)]

    found = site.run(sizes())

    assert PIECE >= max(found)
    assert LIMIT == sum(found)
