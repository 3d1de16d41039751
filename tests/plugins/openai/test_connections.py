"""What becomes of connections."""

import asyncio
from contextlib import aclosing

import pytest

from hookline.events import Text
from hookline_openai import OpenAIProvider
from support.openai_provider import REQUEST, collect, run, settings
from support.upstream import Upstream, text_answer, threaded_upstream


def test_complete_answers_share_a_connection():
    """A connection whose answer was read to its end is used again."""

    async def work():
        async with (
            Upstream([text_answer("Hello")]) as upstream,
            OpenAIProvider("local", settings(upstream)) as provider,
        ):
            for _ in range(3):
                await collect(provider)
            return upstream.connections, upstream.completed, upstream.aborted

    assert (1, 3, 0) == run(work)


def test_closing_the_generator_stops_the_upstream():
    """Who stops reading stops the upstream, at once."""

    async def work():
        async with (
            Upstream([text_answer("Hello", stall_after=2)]) as upstream,
            OpenAIProvider("local", settings(upstream)) as provider,
        ):
            async with aclosing(provider.stream(REQUEST)) as stream:
                first = await anext(stream)
            await upstream.until("aborted")
            return first, upstream.aborted, upstream.completed

    assert (Text("Hell"), 1, 0) == run(work)


@pytest.mark.parametrize("how", [{"head_delay": 30.0}, {"stall_after": 2}])
def test_cancelling_stops_the_upstream(how):
    """So does a cancelled task, whether it waits for the headers or for a token."""

    async def work():
        async with (
            Upstream([text_answer("Hello", **how)]) as upstream,
            OpenAIProvider("local", settings(upstream)) as provider,
        ):
            task = asyncio.create_task(collect(provider))
            await upstream.until("opened")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await upstream.until("aborted")
            return upstream.aborted

    assert run(work) == 1


def test_answer_that_does_not_end_after_done():
    """An upstream that keeps the connection open after ``[DONE]`` is left alone."""

    async def work():
        answer = text_answer("ok")
        stalling = text_answer("ok", stall_after=len(answer.pieces))
        async with (
            Upstream([stalling]) as upstream,
            OpenAIProvider("local", settings(upstream)) as provider,
        ):
            deltas, error = await collect(provider)
            await upstream.until("aborted")
            return len(deltas), error

    assert (3, None) == run(work)


def test_max_connections():
    """No more connections are opened than allowed; the other calls wait for their turn."""

    async def work():
        answer = text_answer("Hello", delay=0.01)
        async with (
            Upstream([answer]) as upstream,
            OpenAIProvider("local", settings(upstream, max_connections=2)) as provider,
        ):
            outcomes = await asyncio.gather(*(collect(provider) for _ in range(6)))
            return upstream.connections, {error for _, error in outcomes}

    assert (2, {None}) == run(work)


def test_provider_that_was_not_entered():
    """Without its session a provider cannot stream."""
    provider = OpenAIProvider("local", settings())

    with pytest.raises(RuntimeError, match="async with"):
        run(lambda: collect(provider))


def test_upstream_in_a_thread():
    """The mock upstream also serves from a thread of its own."""

    async def work(upstream):
        async with OpenAIProvider("local", settings(upstream)) as provider:
            async with aclosing(provider.stream(REQUEST)) as stream:
                return await anext(stream)

    with threaded_upstream([text_answer("Hello", stall_after=2)]) as upstream:
        first = run(lambda: work(upstream))
        upstream.wait_until("aborted")

        assert (Text("Hell"), 1) == (first, upstream.opened)
