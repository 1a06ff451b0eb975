"""A client's conversation, message by message, and whose page may open one."""

import json

import pytest

from app.live.protocol import (
    BAD_MESSAGE,
    MESSAGES_PER_SECOND,
    Ack,
    Ask,
    Conversation,
    Ended,
    Hello,
    judge_origin,
)

HELLO = '{"type":"hello"}'


def test_a_bare_hello_is_the_public_of_tonight() -> None:
    assert Conversation().hear(HELLO, 0.0) == Hello()


def test_a_whole_hello_is_understood() -> None:
    since = {"epoch": "e", "version": 41, "night": "2026-11-21"}
    text = json.dumps({"type": "hello", "audience": "door", "since": since, "token": "t"})
    heard = Conversation().hear(text, 0.0)
    assert isinstance(heard, Hello)
    assert heard.version_of("2026-11-21", "e") == 41
    assert heard.version_of("2026-11-28", "e") is None, "versions are counted per night"
    assert heard.version_of("2026-11-21", "f") is None, "another epoch has other versions"


def test_a_since_without_a_night_counts_only_for_the_night_that_the_hello_names() -> None:
    text = json.dumps({"type": "hello", "since": {"epoch": "e", "version": 41}})
    named = json.dumps(json.loads(text) | {"night": "2026-11-21"})
    follower, watcher = Conversation().hear(text, 0.0), Conversation().hear(named, 0.0)
    assert isinstance(follower, Hello)
    assert isinstance(watcher, Hello)
    assert follower.version_of("2026-11-21", "e") is None
    assert watcher.version_of("2026-11-21", "e") == 41


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "null",
        "{}",
        '{"type":"hullo"}',
        '{"type":7}',
        '{"type":"hello","audience":"owner"}',
        '{"type":"hello","audience":null}',
        '{"type":"hello","night":"tonight"}',
        '{"type":"hello","night":"2026-11-21; DROP TABLE event"}',
        '{"type":"hello","night":"2026-11-2\\u0661"}',
        '{"type":"hello","night":"2026-11-21\\n"}',
        '{"type":"hello","since":{}}',
        '{"type":"hello","since":{"epoch":"e","version":-1}}',
        '{"type":"hello","since":{"epoch":"e","version":1.5}}',
        '{"type":"hello","since":{"epoch":"e","version":99999999999999999999}}',
        '{"type":"hello","since":{"epoch":"e","version":"41"}}',
        '{"type":"hello","surprise":1}',
        '{"type":"hello","token":""}',
        '{"type":"hello"}{"type":"hello"}',
        '{"type":"hello","token":"' + "x" * 600 + '"}',
        '{"type":"snapshot"}',
        '{"type":"ack","version":1}',
        "[" * 5000,
        '{"type":"hello","night":"\ud800"}',
        None,
    ],
)
def test_a_first_message_that_is_no_hello_ends_the_conversation(text: str | None) -> None:
    heard = Conversation().hear(text, 0.0)
    assert isinstance(heard, Ended)
    assert heard.code == BAD_MESSAGE
    assert heard.reason
    assert len(heard.reason.encode()) <= 123, "a close frame holds no more"


def test_after_the_hello_a_client_may_ask_and_acknowledge_but_not_say_hello_again() -> None:
    conversation = Conversation()
    conversation.hear(HELLO, 0.0)
    assert conversation.hear('{"type":"snapshot"}', 1.0) == Ask()
    assert conversation.hear('{"type":"ack","version":7}', 2.0) == Ack(7)
    assert isinstance(conversation.hear(HELLO, 3.0), Ended)


def test_ten_messages_a_second_are_heard_and_no_more() -> None:
    conversation = Conversation()
    conversation.hear(HELLO, 100.0)
    heard = [conversation.hear('{"type":"snapshot"}', 100.0) for _ in range(30)]
    assert sum(isinstance(each, Ask) for each in heard) == MESSAGES_PER_SECOND - 1
    assert isinstance(heard[-1], Ended)


def test_a_client_that_keeps_below_the_limit_is_heard_for_ever() -> None:
    conversation = Conversation()
    conversation.hear(HELLO, 0.0)
    for number in range(1, 500):
        assert conversation.hear('{"type":"snapshot"}', number * 0.11) == Ask()


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "expected"),
    [
        (None, "club.example", "ws", "missing"),
        ("http://club.example", "club.example", "ws", "own"),
        ("http://club.example:8000", "club.example:8000", "ws", "own"),
        ("HTTP://CLUB.example", "club.EXAMPLE", "ws", "own"),
        ("https://club.example", "club.example", "wss", "own"),
        ("https://tables.example", "10.0.0.5:8000", "ws", "own"),
        ("https://club.example", "club.example", "ws", "foreign"),
        ("http://club.example", "club.example", "wss", "foreign"),
        ("http://evil.example", "club.example", "ws", "foreign"),
        ("http://club.example.evil.example", "club.example", "ws", "foreign"),
        ("http://sub.club.example", "club.example", "ws", "foreign"),
        ("http://club.example:8001", "club.example:8000", "ws", "foreign"),
        ("http://user@club.example", "club.example", "ws", "foreign"),
        ("null", "club.example", "ws", "foreign"),
        ("", "club.example", "ws", "foreign"),
        ("http://club.example", None, "ws", "foreign"),
        ("http://", "", "ws", "foreign"),
        ("http://[::1", "[::1", "ws", "foreign"),
    ],
)
def test_only_our_own_pages_open_a_socket(
    origin: str | None, host: str | None, scheme: str, expected: str
) -> None:
    allowed = frozenset({"https://tables.example"})
    assert judge_origin(origin, host, scheme, allowed) == expected
