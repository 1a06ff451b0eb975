"""The outbox as a manager meets it: read, filtered, previewed without secrets, sent again."""

from typing import Any

import httpx

from tests.integration.web.club import NIGHT, Club, key


async def confirmed(club: Club) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    """A manager, and a booking whose confirmation nobody carried."""
    await club.open()
    manager = await club.signed_in()
    held = await club.held(await club.client(), [7])
    answer = await manager.post(
        f"/v1/holds/{held['booking_id']}/confirm",
        json={"method": "cash", "amount_pence": held["deposit_pence"]}, headers=key(),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    await club.parts.outbox.drain()
    return manager, held


async def messages(manager: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await manager.get("/v1/outbox", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["messages"]
    return found


async def test_a_manager_reads_what_was_kept_and_sends_it_again(club: Club) -> None:
    manager, held = await confirmed(club)
    (message,) = await messages(manager)
    assert (message["kind"], message["status"], message["reason"]) == (
        "confirmation", "kept", "no_mail_server",
    )  # fmt: skip
    assert message["reference"] == held["reference"]
    said = (await manager.get(f"/v1/outbox/{message['message_id']}")).json()
    assert said["to"] == "a•••@e•••"
    assert "Dear Ada," in said["text"]
    whole = str(said)
    assert "mng_" not in whole
    assert "BR1:" not in whole
    assert "Lovelace" not in whole

    once = key()
    path = f"/v1/outbox/{message['message_id']}/replay"
    for _ in range(2):
        answer = await manager.post(path, headers=once)
        assert answer.status_code == 200, answer.text
    assert (await messages(manager))[0]["status"] == "waiting"
    answer = await manager.post(path, headers=key())
    assert (answer.status_code, answer.json()["reason"]) == (409, "message_not_dead")
    lines = (await manager.get("/v1/audit?type=MESSAGE_REPLAYED")).json()["lines"]
    assert [line["payload"] for line in lines] == [{"kind": "confirmation", "channel": "email"}]
    await club.parts.outbox.drain()
    assert (await messages(manager))[0]["status"] == "kept"


async def test_filters_choose_and_an_unknown_message_is_not_found(club: Club) -> None:
    manager, held = await confirmed(club)
    for query, found in (
        ({"status": "dead"}, 0), ({"status": ["dead", "kept"]}, 1), ({"night": NIGHT}, 1),
        ({"night": "2027-06-12"}, 0), ({"booking": held["booking_id"]}, 1), ({"before": 1}, 0),
    ):  # fmt: skip
        assert len(await messages(manager, **query)) == found, query
    nothing = "00000000-0000-4000-8000-000000000000"
    for answer in (
        await manager.get(f"/v1/outbox/{nothing}"),
        await manager.post(f"/v1/outbox/{nothing}/replay", headers=key()),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (404, "message_not_found")


async def test_readiness_and_metrics_tell_how_messages_stand(club: Club) -> None:
    manager, _ = await confirmed(club)
    await club.parts.outbox.look_after()
    told = (await manager.get("/health/ready")).json()["parts"]["messages"]
    assert (told["ok"], told["needed"]) == (True, False)
    assert "email is kept" in told["detail"]
    metrics = (await manager.get("/metrics")).text
    assert 'messages_total{channel="email",outcome="kept",worker="test"} 1.0' in metrics
    async with club.looking() as owner:
        await owner.execute(
            "UPDATE outbox SET status = 'waiting', settled_at = NULL, next_try_at = 'infinity',"
            " made_at = now() - interval '5 minutes'"
        )
    await club.parts.outbox.look_after()
    near = await club.client(("127.0.0.1", 1))
    told = (await near.get("/health/ready")).json()
    assert told["status"] == "degraded"
    assert not told["parts"]["messages"]["ok"]
