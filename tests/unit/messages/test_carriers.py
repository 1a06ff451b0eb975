"""What a service for SMS is asked, and what each of its answers means."""

from urllib.parse import parse_qs

import httpx
import pytest

from app.messages.carriers import NotTaken, Refused, SmtpServer, TwilioAccount

TO = "+441134960000"


def account(*answers: httpx.Response | Exception) -> tuple[TwilioAccount, list[httpx.Request]]:
    asked: list[httpx.Request] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        said = left.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return TwilioAccount("AC1", "secret", "+441134960999", "https://sms.example", client), asked


async def test_a_message_is_posted_as_twilio_wants_it() -> None:
    sms, asked = account(httpx.Response(201, json={"sid": "SM1", "status": "queued"}))
    await sms.send(TO, "Your table & more")
    (request,) = asked
    assert str(request.url) == "https://sms.example/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["Authorization"].startswith("Basic ")
    assert parse_qs(request.content.decode()) == {
        "To": [TO], "From": ["+441134960999"], "Body": ["Your table & more"],
    }  # fmt: skip
    assert "secret" not in repr(sms)


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (httpx.Response(400, json={"code": 21211}), Refused, "number_refused"),
        (httpx.Response(401), NotTaken, "sms_sign_in_refused"),
        (httpx.Response(429), NotTaken, "sms_service_busy"),
        (httpx.Response(503), NotTaken, "sms_service_busy"),
        (httpx.Response(201, json={"status": "failed"}), NotTaken, "sms_not_taken"),
        (httpx.Response(201, text="<html>"), NotTaken, "sms_not_taken"),
        (httpx.Response(200, json=[]), NotTaken, "sms_not_taken"),
        (httpx.Response(302), NotTaken, "sms_not_taken"),
        (httpx.ConnectTimeout("x"), NotTaken, "sms_service_away"),
        (httpx.ReadError("x"), NotTaken, "sms_service_away"),
    ],
)
async def test_each_answer_is_tried_again_or_final(
    answer: httpx.Response | Exception, kind: type[NotTaken], reason: str
) -> None:
    sms, _ = account(answer)
    with pytest.raises(NotTaken) as refused:
        await sms.send(TO, "x")
    assert (type(refused.value), refused.value.reason) == (kind, reason)


@pytest.mark.parametrize("number", ["0113 496 0000", "", "+44 113 496 0000", "+", "sip:x"])
async def test_what_is_no_number_in_e164_is_not_sent(number: str) -> None:
    sms, asked = account()
    with pytest.raises(Refused):
        await sms.send(number, "x")
    assert asked == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", (587, False, True, None, None)),
        ("smtp://a%40b:p%2Fw@mail.example.com:2525", (2525, False, True, "a@b", "p/w")),
        ("smtps://u:p@mail.example.com", (465, True, False, "u", "p")),
        ("smtp://127.0.0.1:25", (25, False, False, None, None)),
    ],
)
def test_mail_to_another_machine_goes_by_tls(url: str, expected: tuple[object, ...]) -> None:
    server = SmtpServer.from_url(url)
    found = (server.port, server.tls, server.start_tls, server.username, server.password)
    assert found == expected
    assert "p/w" not in repr(server)


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    from email.message import EmailMessage  # noqa: PLC0415 - of this test alone

    message = EmailMessage()
    message["From"] = message["To"] = "a@example.com"
    with pytest.raises(NotTaken, match="mail_server_away"):
        await SmtpServer.from_url("smtp://127.0.0.1:1").send(message)
