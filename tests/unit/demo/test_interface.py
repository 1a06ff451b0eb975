"""How the demo's people speak to the service: patiently, once, and each from their own address."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from app.demo import interface as module
from app.demo.interface import Answer, CannotSignIn, Interface, guest
from app.settings import Settings

ORIGIN = "http://127.0.0.1:8000"

Handler = Callable[[httpx.Request], httpx.Response]


class Service:
    """Answers as told, one after the other, the last for ever; keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def speaking(handler: Handler) -> Interface:
    made = Interface(Settings.from_environment({}), ORIGIN)
    headers = made._client.headers
    await made._client.aclose()
    transport = httpx.MockTransport(handler)
    made._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)
    return made


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that nobody waits for; who has an answer to wait for has the patience."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.001)


@pytest.mark.parametrize(
    "first",
    [httpx.Response(503), httpx.Response(429), httpx.ConnectError("away"), httpx.ReadError("cut")],
)
async def test_a_write_is_sent_again_under_the_same_key(first: httpx.Response | Exception) -> None:
    service = Service(first, httpx.Response(201, json={"booking_id": "x"}))
    speaker = await speaking(service)
    answer = await speaker.post("/v1/holds", guest("198.18.3.4"), {"party": 4})
    assert answer == Answer(201, {"booking_id": "x"})
    keys = [request.headers["idempotency-key"] for request in service.asked]
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert service.asked[0].content == service.asked[1].content
    await speaker.close()


async def test_two_writes_have_two_keys() -> None:
    service = Service(httpx.Response(200, json={}))
    speaker = await speaking(service)
    await speaker.post("/v1/holds")
    await speaker.post("/v1/holds")
    keys = {request.headers["idempotency-key"] for request in service.asked}
    assert len(keys) == 2
    await speaker.close()


async def test_a_refusal_is_an_answer_and_not_sent_again() -> None:
    service = Service(httpx.Response(409, json={"reason": "table_not_available"}))
    speaker = await speaking(service)
    answer = await speaker.post("/v1/holds")
    assert (answer.ok, answer.reason, answer.is_fault) == (False, "table_not_available", False)
    assert len(service.asked) == 1
    await speaker.close()


async def test_a_fault_is_not_sent_again_and_seen_as_one() -> None:
    service = Service(httpx.Response(500, text="<h1>broken</h1>"))
    speaker = await speaking(service)
    answer = await speaker.post("/v1/holds")
    assert answer.is_fault
    assert answer.body == {}
    assert len(service.asked) == 1
    await speaker.close()


async def test_who_waits_too_long_goes_on_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 1.0)
    service = Service(httpx.ConnectError("away"))
    speaker = await speaking(service)
    answer = await speaker.get("/v1/nights")
    assert (answer.status, answer.reason, answer.ok) == (0, "no_answer", False)
    assert len(service.asked) > 1
    await speaker.close()


async def test_each_guest_asks_from_an_address_of_their_own() -> None:
    service = Service(httpx.Response(200, json={}))
    speaker = await speaking(service)
    await speaker.get("/v1/nights", guest("198.18.3.4"), party="4")
    await speaker.get("/v1/nights")
    seen = [request.headers["x-forwarded-for"] for request in service.asked]
    assert seen == ["198.18.3.4", module.HOUSE]
    assert service.asked[0].url.query == b"party=4"
    await speaker.close()


async def test_a_session_is_the_cookie_alone() -> None:
    line = "__Host-sid=abc; Path=/; HttpOnly; Secure"
    service = Service(httpx.Response(201, json={}, headers={"Set-Cookie": line}))
    speaker = await speaking(service)
    assert await speaker.sign_in("link") == {"Cookie": "__Host-sid=abc"}
    assert service.asked[0].headers["origin"] == ORIGIN
    await speaker.close()


async def test_a_link_that_is_refused_says_so() -> None:
    speaker = await speaking(Service(httpx.Response(401, json={"reason": "link_refused"})))
    with pytest.raises(CannotSignIn, match="401"):
        await speaker.sign_in("link")
    await speaker.close()


async def test_it_connects_to_this_machine_and_names_the_public_host() -> None:
    settings = replace(Settings.from_environment({}), host="0.0.0.0", port=8123)
    speaker = Interface(settings, "https://tables.example.com")
    assert speaker._client.base_url == "http://127.0.0.1:8123"
    assert speaker._client.headers["host"] == "tables.example.com"
    await speaker.close()
