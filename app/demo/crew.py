"""Who works the demo night: a manager with a session, another who sees the money that the first one
takes, and the devices at the doors."""

from typing import Any, Final

from app.demo.interface import Answer, CannotSignIn, Interface, device

PLAYER: Final = "The demo"  # the display name of the account that plays
OWN: Final = "Demo "  # how the names of the demo's devices begin

# At each door one device scans and another counts, as two people would hold them.
DEVICES: Final = (("main", "tablet"), ("main", "clicker"), ("basement", "tablet"),
                  ("basement", "clicker"), ("stairs", "clicker"))  # fmt: skip


class Crew:
    """The manager and the devices; signs in again when the session is over."""

    def __init__(self, interface: Interface, token: str) -> None:
        self._interface = interface
        self._token = token
        self._session: dict[str, str] = {}
        self._second: dict[str, str] = {}
        self._devices: dict[tuple[str, str], dict[str, str]] = {}

    async def links(self) -> list[dict[str, str]]:
        """A fresh sign-in link for each of the demo's accounts: name, role, link."""
        answer = await self._interface.post("/v1/demo/links", body={"token": self._token})
        if not answer.ok:
            raise CannotSignIn(f"the demo's links were refused: {answer.status} {answer.reason}")
        links: list[dict[str, str]] = answer.body["links"]
        return links

    async def sign_in(self) -> None:
        """The manager of the demo has a session. Raises CannotSignIn."""
        link = next(one["link"] for one in await self.links() if one["name"] == PLAYER)
        self._session = await self._interface.sign_in(link)

    async def set_up_devices(self) -> None:
        """New devices at every door; those of an earlier start count no more."""
        known = await self.read("/v1/devices")
        for one in known.body.get("devices", []):
            if one["name"].startswith(OWN) and one.get("revoked_at") is None:
                await self.staff(f"/v1/devices/{one['device_id']}", method="DELETE")
        for door, use in DEVICES:
            body = {"name": f"{OWN}{use}, {door}", "kind": "tablet", "door": door}
            answer = await self.staff("/v1/devices", body)
            if answer.ok:
                code = {"code": answer.body["pairing"]["code"]}
                answer = await self._interface.post("/v1/devices/pair", body=code)
            if not answer.ok:
                raise CannotSignIn(f"the demo's devices were refused: {answer.reason}")
            self._devices[door, use] = device(answer.body["token"])

    async def staff(
        self, path: str, body: dict[str, Any] | None = None, *, method: str = "POST"
    ) -> Answer:
        """A write by the manager."""
        answer = await self._interface.post(path, self._session, body, method=method)
        if answer.status == 401:
            await self.sign_in()
            answer = await self._interface.post(path, self._session, body, method=method)
        return answer

    async def second(self, path: str) -> Answer:
        """A write by the other manager."""
        answer = await self._interface.post(path, self._second) if self._second else None
        if answer is None or answer.status == 401:
            others = (one for one in await self.links() if one["name"] != PLAYER)
            link = next(one["link"] for one in others if one["role"] == "MANAGER")
            self._second = await self._interface.sign_in(link)
            answer = await self._interface.post(path, self._second)
        return answer

    async def read(self, path: str, **query: str) -> Answer:
        """What the manager may read."""
        answer = await self._interface.get(path, self._session, **query)
        if answer.status == 401:
            await self.sign_in()
            answer = await self._interface.get(path, self._session, **query)
        return answer

    async def device(self, path: str, door: str, body: dict[str, Any]) -> Answer:
        """A scan by the door's tablet, or a count by its clicker."""
        use = "tablet" if path == "/v1/scans" else "clicker"
        answer = await self._interface.post(path, self._devices[door, use], body)
        if answer.status == 401:  # somebody revoked it: the crew gets new ones
            await self.set_up_devices()
            answer = await self._interface.post(path, self._devices[door, use], body)
        return answer

    async def set_clock(self, shown_at: str, speed: float) -> Answer:
        """The venue's clock shows the instant, and runs on at the speed."""
        body = {"token": self._token, "shown_at": shown_at, "speed": speed}
        return await self._interface.post("/v1/demo/clock", body=body)
