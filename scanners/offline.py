"""The device's half of the offline protocol: a pure machine, without sockets, disks or clocks.

Every input is a JSON object with the clocks' readings (`mono`, `wall`, in milliseconds) and a fresh
`id`; every output is one too. `static/js/door/offline/core.js` is the same machine in the browser,
and both are held to the same outputs (tests/acceptance/test_offline_core.py). The rules of the
other end are `app/domain/leases.py`; docs/offline.md tells the whole protocol.

    start {records, alone} · scan {scan_id, ticket_id, generation, people, direction, body}
    stored {op} · failed {op} · answer {key, status, reason?, body?} · lost {key}
    recall {tickets} · take {body} · give_back · revoked · tab {alone} · tick

    store {op, put, delete} · send {key, kind, lease_id?, body} · ask {scan_id}
    verdict {scan_id, verdict, reason, people, left}

A record is durable when its `store` was answered by `stored`; the records are all that survives.
"""

from typing import Any, Final

SKEW_MS: Final = 5_000  # the two clocks may differ by so much since the last acknowledgement
RENEW_MS: Final = 20_000  # a lease that is older is renewed
RETRY_MS: Final = 2_000  # after a request without an answer

Json = dict[str, Any]


class Device:
    """One tablet. `step` takes an input and returns the outputs; nothing else changes it."""

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}  # as they will be once every store is done
        self.alone = False  # no other tab of this tablet is open
        self.anchor: Json | None = None  # the clocks at the sending of what was last acknowledged
        self.request: Json | None = None  # durable, until its answer is
        self.first_sent: Json | None = None  # None: in this life it was not sent, or before it too
        self.is_old = False  # the request is of an earlier life: nobody knows when it was sent
        self.waiting = False  # the request is on its way
        self.settling = False  # its answer is being stored, or it is itself
        self.retry_at = 0
        self.recalled: set[str] = set()
        self.closing = False  # everything is being given back
        self.pending: dict[str, int] = {}  # scans of a ticket that are being stored
        self.spool: list[str] = []  # keys of the records of scans to tell, in order
        self.telling: str | None = None
        self.tell_at = 0
        self.ops: dict[int, Json] = {}
        self.next_op = 1
        self.next_seq = 1
        self.refused: str | None = None  # why the last lease that was asked for was not given
        self.revoked = False  # the service takes this device for nobody any more

    # -- what the screen shows ---------------------------------------------------------------------

    @property
    def lease(self) -> Json | None:
        lease: Json | None = self.records.get("lease")
        return lease

    def held(self) -> list[str]:
        """The tickets that this device alone may admit."""
        return sorted(
            key[7:]
            for key, record in self.records.items()
            if key.startswith("ticket:") and record["state"] == "held"
        )

    def status(self, given: Json) -> str:
        """none, ready, unsure (ask the server first), over, giving_back, second_tab, revoked."""
        if self.revoked:
            return "revoked"
        if not self.alone:
            return "second_tab"
        if self.lease is None:
            return "none"
        if self.closing:
            return "giving_back"
        if self.anchor is None:
            return "unsure"
        return "over" if self.elapsed(given) >= self.lease["lasts_ms"] else "ready"

    def elapsed(self, given: Json) -> int:
        """Since the sending of what was last acknowledged: the larger of both clocks' counts."""
        assert self.anchor is not None, "asked for only while it is known"
        by_mono: int = given["mono"] - self.anchor["mono"]
        by_wall: int = given["wall"] - self.anchor["wall"]
        return max(by_mono, by_wall)

    # -- one step ----------------------------------------------------------------------------------

    def step(self, given: Json) -> list[Json]:
        """What follows from the input."""
        out: list[Json] = []
        if given["type"] != "start":
            self._look(given)
        match given["type"]:
            case "start":
                self._start(given)
            case "scan":
                self._scan(given, out)
            case "stored" | "failed":
                todo = self.ops.pop(given["op"], None)
                if todo is not None:
                    self._stored(todo, given, given["type"] == "stored", out)
            case "answer":
                self._answer(given, out)
            case "lost":
                self._lost(given)
            case "recall":
                self.recalled |= set(given["tickets"]) & set(self.held())
            case "take":
                if self._may_take():
                    self.refused = None
                    self._ask_for(given, "take", None, given["body"], [], out)
            case "give_back":
                self.closing = self.lease is not None
            case "revoked":
                self._revoke()
            case "tab":
                self.alone = given["alone"]
                self.anchor = None
        self._go_on(given, out)
        return out

    def _start(self, given: Json) -> None:
        """A new life: only the records are left of the one before, and no clock can be compared."""
        self.__init__()  # type: ignore[misc]
        self.records = dict(given["records"])
        self.alone = given["alone"]
        self.request = self.records.get("request")
        self.is_old = self.request is not None
        keys = sorted(key for key in self.records if key.startswith("scan:"))
        self.spool = [key for key in keys if self.records[key]["refused"] is None]
        self.next_seq = int(keys[-1][5:]) + 1 if keys else 1

    def _may_take(self) -> bool:
        return self.alone and not self.revoked and self.lease is None and not self._is_busy()

    def _revoke(self) -> None:
        """Nobody is let in from this step on; only the scans are still told. What the disk says of
        the lease goes as soon as it can: a reload before that trusts nothing of it either."""
        self.revoked = True
        self.anchor = self.request = None

    def _look(self, given: Json) -> None:
        """Two clocks that do not agree are no clock."""
        if self.anchor is None:
            return
        by_mono = given["mono"] - self.anchor["mono"]
        by_wall = given["wall"] - self.anchor["wall"]
        if abs(by_mono - by_wall) > SKEW_MS or by_mono < 0:
            self.anchor = None

    # -- scans -------------------------------------------------------------------------------------

    def _scan(self, given: Json, out: list[Json]) -> None:
        key = f"ticket:{given['ticket_id']}"
        ticket = self.records.get(key)
        if not self.alone:
            self._say(given["scan_id"], "wait", "second_tab", out)
            return
        if ticket is None or ticket["state"] != "held" or given["direction"] != "in":
            out.append({"type": "ask", "scan_id": given["scan_id"]})
            return
        left = ticket["places"] - ticket["used"]
        reason = self._doubt(given, ticket)
        if reason is None and left <= 0:
            reason, left = "already_in", 0
        if reason is None and given["people"] is None and left > 1:
            reason = "how_many"
        people = given["people"] or 1
        if reason is None and people > left:
            reason = "party_full"
        if reason is not None:
            self._say(given["scan_id"], "wait", reason, out, left=left)
            return
        ticket = {**ticket, "used": ticket["used"] + people}
        self.pending[given["ticket_id"]] = self.pending.get(given["ticket_id"], 0) + 1
        name = f"scan:{self.next_seq:010d}"
        self.next_seq += 1
        scan = {
            "scan_id": given["scan_id"], "ticket_id": given["ticket_id"], "people": people,
            "lease_id": ticket["lease_id"], "body": given["body"], "refused": None,
        }  # fmt: skip
        todo = {"then": "scan", "name": name, "scan": scan, "left": left - people}
        self._store([(key, ticket), (name, scan)], [], todo, out)
        self._after_scan(todo, given, out)

    def _doubt(self, given: Json, ticket: Json) -> str | None:
        """Why this device may not admit the ticket now."""
        lease = self.lease
        if self.revoked:
            return "revoked"
        if self.anchor is None or lease is None:
            return "unsure"
        if self.closing or ticket["ticket_id"] in self.recalled:
            return "given_back"
        elapsed = self.elapsed(given)
        if elapsed >= lease["lasts_ms"]:
            return "lease_over"
        if given["type"] == "scan" and given["generation"] not in (None, ticket["generation"]):
            return "replaced"
        if elapsed < lease["opens_in_ms"]:
            return "too_early"
        return "too_late" if elapsed >= lease["closes_in_ms"] else None

    def _after_scan(self, todo: Json, given: Json, out: list[Json]) -> None:
        """Green comes when the scan is stored, and not before."""

    def _scan_stored(self, todo: Json, given: Json, done: bool, out: list[Json]) -> None:
        scan = todo["scan"]
        ticket_id, people = scan["ticket_id"], scan["people"]
        key = f"ticket:{ticket_id}"
        self.pending[ticket_id] -= 1
        ticket = self.records.get(key)
        lease = self.lease
        over = self.anchor is None or lease is None or self.elapsed(given) >= lease["lasts_ms"]
        if done and not over:
            self.spool.append(todo["name"])
            self._say(scan["scan_id"], "admit", "admitted", out, people, todo["left"])
            return
        # Nobody is let in by it: the places are free again, and there is nothing to tell.
        self.records.pop(todo["name"], None)
        put = []
        if ticket is not None:
            ticket = {**ticket, "used": ticket["used"] - people}
            self.records[key] = ticket
            put = [(key, ticket)]
        self._store(put, [todo["name"]], {"then": "nothing"}, out)
        reason = "revoked" if self.revoked else "lease_over"
        self._say(scan["scan_id"], "wait", reason if done else "not_stored", out)

    def _say(
        self, scan_id: str, verdict: str, reason: str, out: list[Json], people: int = 0,
        left: int | None = None,
    ) -> None:  # fmt: skip
        out.append(
            {
                "type": "verdict", "scan_id": scan_id, "verdict": verdict, "reason": reason,
                "people": people, "left": left,
            }
        )  # fmt: skip

    # -- storing -----------------------------------------------------------------------------------

    def _store(
        self, put: list[tuple[str, Any]], delete: list[str], todo: Json, out: list[Json]
    ) -> None:
        """One transaction of the disk: all of it or nothing."""
        for key, value in put:
            self.records[key] = value
        for key in delete:
            self.records.pop(key, None)
        op = self.next_op
        self.next_op += 1
        self.ops[op] = todo
        pairs = [[key, value] for key, value in put]
        out.append({"type": "store", "op": op, "put": pairs, "delete": delete})

    def _stored(self, todo: Json, given: Json, done: bool, out: list[Json]) -> None:
        match todo["then"]:
            case "scan":
                self._scan_stored(todo, given, done, out)
            case "request":
                self._request_stored(todo, done)
            case "settled":
                self.settling = False
                if done:
                    self._settled(todo)
                else:  # the same answer comes again
                    self.records.update(todo["before"])
                    self.retry_at = given["mono"] + RETRY_MS
            case "forgotten":
                self.settling = False
                if not done:
                    self.records.update(todo["before"])
                    self.retry_at = given["mono"] + RETRY_MS
            case "told":
                self.telling = None
                if done:
                    self.spool.remove(todo["name"])
                else:
                    self.records[todo["name"]] = todo["scan"]
                    self.tell_at = given["mono"] + RETRY_MS

    # -- requests: one at a time, durable before it is sent, the same one until it is answered -----

    def _is_busy(self) -> bool:
        return self.request is not None or self.settling

    def _ask_for(
        self, given: Json, kind: str, lease_id: str | None, body: Json,
        put: list[tuple[str, Any]], out: list[Json],
    ) -> None:  # fmt: skip
        request = {"key": given["id"], "kind": kind, "lease_id": lease_id, "body": body}
        before = {key: self.records[key] for key, _ in put}
        self.settling = True
        todo = {"then": "request", "request": request, "before": before}
        self._store([*put, ("request", request)], [], todo, out)

    def _request_stored(self, todo: Json, done: bool) -> None:
        self.settling = False
        if not done:
            self.records.pop("request", None)
            self.records.update(todo["before"])
            return
        self.request, self.first_sent, self.is_old = todo["request"], None, False
        self.waiting, self.retry_at = False, 0

    def _answer(self, given: Json, out: list[Json]) -> None:
        request = self.request
        if self.telling is not None and given["key"] == self.telling:
            self._told(given, out)
        elif request is not None and given["key"] == request["key"] and not self.settling:
            self.waiting = False
            self._heard(request, given, out)

    def _heard(self, request: Json, given: Json, out: list[Json]) -> None:
        """The answer to the request is stored, with what it changes; then it is settled."""
        body = given.get("body") or {}
        put: list[tuple[str, Any]] = []
        delete = ["request"]
        anchor, ended = self.first_sent, None
        if given["status"] != "ok" and request["kind"] == "take":
            ended, anchor = given.get("reason"), None
        elif given["status"] != "ok" or body["status"] != "live":
            ended, anchor = body.get("status") or given.get("reason"), None
            delete += ["lease", *(k for k in sorted(self.records) if k.startswith("ticket:"))]
        else:
            put.append(("lease", self._lease_of(body)))
            if request["kind"] == "take":
                put += [
                    (f"ticket:{t['ticket_id']}", self._ticket_of(t, body["lease_id"]))
                    for t in body["tickets"]
                ]
            if request["kind"] == "return":
                delete += [f"ticket:{t['ticket_id']}" for t in request["body"]["tickets"]]
            if request["kind"] != "take":
                self.anchor = anchor
        before = {key: self.records[key] for key in delete if key in self.records}
        if "lease" in self.records:
            before["lease"] = self.records["lease"]
        todo = {
            "then": "settled", "before": before, "anchor": anchor, "ended": ended,
            "kind": request["kind"], "recalled": list(body.get("recalled") or []),
        }  # fmt: skip
        self.settling = True
        self._store(put, delete, todo, out)

    def _lease_of(self, body: Json) -> Json:
        return {
            "lease_id": body["lease_id"], "counter": body["counter"], "night": body["night"],
            "door": body["door"], "lasts_ms": body["lasts_seconds"] * 1000,
            "opens_in_ms": body["opens_in_ms"], "closes_in_ms": body["closes_in_ms"],
        }  # fmt: skip

    def _ticket_of(self, ticket: Json, lease_id: str) -> Json:
        return {
            "ticket_id": ticket["ticket_id"], "booking_id": ticket["booking_id"],
            "generation": ticket["generation"], "party": ticket["party"],
            "places": ticket["places"], "tables": ticket["tables"], "lease_id": lease_id,
            "used": 0, "state": "held",
        }  # fmt: skip

    def _settled(self, todo: Json) -> None:
        """The answer is durable: the next request may go."""
        self.request, self.first_sent, self.is_old = None, None, False
        if todo["ended"] is not None:
            self.refused = todo["ended"]
            self.closing, self.anchor = False, None
            self.recalled = set()
            return
        if todo["kind"] == "take" and not self.revoked:
            self.anchor = todo["anchor"]
        if self.lease is None:
            self.closing = False
        held = set(self.held())
        self.recalled = (self.recalled | set(todo["recalled"])) & held

    def _told(self, given: Json, out: list[Json]) -> None:
        """A scan is deleted when it was acknowledged; a refused one is kept for a person."""
        name = self.spool[0]
        scan = self.records[name]
        todo = {"then": "told", "name": name, "scan": scan}
        if given["status"] == "ok":
            self._store([], [name], todo, out)
        else:
            self._store([(name, {**scan, "refused": given.get("reason")})], [], todo, out)
        self.telling = f"storing {name}"

    def _lost(self, given: Json) -> None:
        if self.telling is not None and given["key"] == self.telling:
            self.telling, self.tell_at = None, given["mono"] + RETRY_MS
        elif self.request is not None and given["key"] == self.request["key"]:
            self.waiting, self.retry_at = False, given["mono"] + RETRY_MS

    # -- what is due -------------------------------------------------------------------------------

    def _go_on(self, given: Json, out: list[Json]) -> None:
        if not self.alone:
            return
        if self.revoked:
            self._forget(given, out)
        elif self.request is not None:
            if not self.waiting and not self.settling and given["mono"] >= self.retry_at:
                self._send(self.request, given, out)
        elif not self.settling and self.lease is not None:
            self._keep_up(self.lease, given, out)
        if self.telling is None and self.spool and given["mono"] >= self.tell_at:
            scan = self.records[self.spool[0]]
            self.telling = scan["scan_id"]
            self._tell(scan, out)

    def _forget(self, given: Json, out: list[Json]) -> None:
        """The lease of a revoked device leaves its disk."""
        gone = sorted(k for k in self.records if not k.startswith("scan:"))
        if not gone or self.settling or given["mono"] < self.retry_at:
            return
        self.request, self.settling = None, True
        before = {key: self.records[key] for key in gone}
        self._store([], gone, {"then": "forgotten", "before": before}, out)

    def _tell(self, scan: Json, out: list[Json]) -> None:
        out.append(
            {
                "type": "send", "key": scan["scan_id"], "kind": "scan",
                "lease_id": scan["lease_id"], "body": scan["body"],
            }
        )  # fmt: skip

    def _send(self, request: Json, given: Json, out: list[Json]) -> None:
        if self.first_sent is None and not self.is_old:
            self.first_sent = {"mono": given["mono"], "wall": given["wall"]}
        self.waiting = True
        out.append({"type": "send", **request})

    def _keep_up(self, lease: Json, given: Json, out: list[Json]) -> None:
        """Tickets that were asked for go back; otherwise the lease is renewed when it is time.

        Tickets whose scans are being stored wait for that: their number is not known yet.
        """
        wanted = self.held() if self.closing else sorted(self.recalled & set(self.held()))
        ready = [t for t in wanted if self._may_state(t)]
        if ready and (len(ready) == len(wanted) or not self.closing):
            self._give_back(lease, ready, given, out)
        elif self.anchor is None or self.elapsed(given) >= RENEW_MS:
            body = {"counter": lease["counter"]}
            self._ask_for(given, "renew", lease["lease_id"], body, [], out)

    def _may_state(self, ticket_id: str) -> bool:
        return self.pending.get(ticket_id, 0) == 0

    def _give_back(self, lease: Json, tickets: list[str], given: Json, out: list[Json]) -> None:
        """Durably not admitted any more, and then told."""
        records = [self.records[f"ticket:{ticket}"] for ticket in tickets]
        stated = [{"ticket_id": r["ticket_id"], "admitted": r["used"]} for r in records]
        put = [(f"ticket:{r['ticket_id']}", {**r, "state": "returning"}) for r in records]
        body = {"counter": lease["counter"], "tickets": stated}
        self._ask_for(given, "return", lease["lease_id"], body, put, out)
