"""What is taken for a message of Stripe's, and what is read of one: nothing odd gets further."""

import json
import time
from typing import Any

import pytest
import stripe

from app.errors import Malformed
from app.payments.webhook import judge_signature, read_event, subject_of

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"


def body(about: Any = None, **changed: Any) -> bytes:
    event: dict[str, Any] = {
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
        "data": {"object": {"object": "payment_intent", "id": INTENT} if about is None else about},
    }  # fmt: skip
    return json.dumps({**event, **changed}).encode()


def signed(content: bytes, secret: str = SECRET, *, age_seconds: float = 0) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(
        content.decode(), secret, int(time.time() - age_seconds)
    )
    return header


def test_bytes_are_believed_that_are_signed_with_any_secret_in_use() -> None:
    content = body()
    judge_signature(content, signed(content), [SECRET])
    judge_signature(content, signed(content, OLD_SECRET), [SECRET, OLD_SECRET])
    judge_signature(content, signed(content, age_seconds=290), [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None, "", "v1=", "t=,v1=", "t=1", "t=now,v1=00", "t=1,t=2,v1=00", "v1=é", "t=1,v1=\ud800",
        "t=" + "9" * 400 + ",v1=00", "t=1," * 900, ",,,", "===", "t=-1,v1=00", "\x00",
    ],
)  # fmt: skip
def test_no_other_signature_is_one(header: str | None) -> None:
    with pytest.raises(Malformed):
        judge_signature(body(), header, [SECRET])


def test_what_is_old_ahead_changed_or_signed_by_another_is_not_believed() -> None:
    content = body()
    for header in (
        signed(content, age_seconds=301),
        signed(content, age_seconds=-360),
        signed(content, "whsec_of_somebody_else"),
        signed(content + b" "),
        signed(content).replace("v1=", "v0="),
        f"{signed(content)},t=1",
    ):
        with pytest.raises(Malformed):
            judge_signature(content, header, [SECRET])
    with pytest.raises(Malformed):
        judge_signature(content, signed(content), [])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00", b"\xff\xfe", b"null", b"[]", b"7", b'"evt_1"', b"{}", b"{" * 5000,
        b'{"data":' * 3000, body()[:-1], body(id=None), body(id="evt_"), body(id="evt_\x00"),
        body(id=["evt_1"]), body(id="evt_1\n"), body(id="evt_" + "1" * 300),
        body(type=None), body(type="Payment"), body(type="a" * 200), body(type="x\x00"),
        body(livemode="false"), body(livemode=None), body(data=None), body(data=[]),
        body(data={}), body(data={"object": None}), body(data={"object": "pi_1"}),
        body(data={"object": [1]}),
    ],
)  # fmt: skip
def test_what_is_no_event_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        read_event(content)


def test_the_object_of_an_event_is_named_by_its_id_alone() -> None:
    assert subject_of(read_event(body())) == (INTENT, None)
    charge = {"object": "charge", "id": "ch_1", "payment_intent": INTENT}
    assert subject_of(read_event(body(charge))) == (INTENT, None)
    expanded = {**charge, "payment_intent": {"id": INTENT, "status": "a lie"}}
    assert subject_of(read_event(body(expanded))) == (INTENT, None)
    for dispute in ("dp_1", "du_1"):
        told = {"object": "dispute", "id": dispute, "payment_intent": INTENT}
        assert subject_of(read_event(body(told))) == (INTENT, dispute)


@pytest.mark.parametrize(
    "named",
    [
        "pi_\x00", "pi_1\x00", "pi_", "pi_" + "1" * 400, "pi_é", "pi_1 ", "pi_1\n", "pi_1'--",
        "cs_1", "", None, 7, True, 1.5, [], ["pi_1"], {}, {"id": None}, {"id": "pi_\x00"},
        {"id": {"id": "pi_1"}}, {"pi_1": 1},
    ],
)  # fmt: skip
def test_no_other_text_is_taken_for_an_id_of_stripes(named: Any) -> None:
    for about in (
        {"object": "payment_intent", "id": named},
        {"object": "charge", "id": named, "payment_intent": named},
        {"object": "dispute", "id": "dp_1", "payment_intent": named},
        {"object": named, "id": named, "payment_intent": named},
    ):
        assert subject_of(read_event(body(about))) == (None, None)
    odd = {"object": "dispute", "id": named, "payment_intent": INTENT}
    assert subject_of(read_event(body(odd))) == (INTENT, None)


def test_events_that_are_not_ours_are_read_whatever_their_object_is_called() -> None:
    for about in ({"object": "coupon", "id": "25 % off!"}, {"id": 7}, {}, {"object": {"a": [1]}}):
        assert subject_of(read_event(body(about, type="coupon.created"))) == (None, None)
