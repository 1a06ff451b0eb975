"""compose.yaml, docs/nginx.conf and the Dockerfile name what there is; nobody starts them here."""

import re
import secrets
from ipaddress import ip_address, ip_network
from pathlib import Path

import yaml  # comes with Schemathesis

from app.settings import Settings
from app.web.table import _health

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
NODES = ("node-1", "node-2")


def test_the_nodes_are_given_settings_that_there_are() -> None:
    for node in NODES:
        given = COMPOSE["services"][node]["environment"]
        known = (ROOT / "docs" / "operations.md").read_text("utf-8")
        assert [name for name in given if f"| `{name}` |" not in known] == []
        needed = {"DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "BACKROOM_SECRET"}
        assert needed <= given.keys()
        filled = {n: re.sub(r"\$\{\w+:\?\}", secrets.token_hex(32), v) for n, v in given.items()}
        filled["PUBLIC_URL"] = "http://localhost:8080"
        filled["PERSON_KEYS"] = f"first:{secrets.token_hex(32)}"
        settings = Settings.from_environment(filled | {"HOST": "0.0.0.0"})
        proxy = ip_network(_address("proxy"))
        assert settings.trusted_proxies == (proxy,), "the gateway stands for strangers"


def _address(service: str) -> str:
    return str(COMPOSE["services"][service]["networks"]["default"]["ipv4_address"])


def test_a_node_that_was_built_anew_has_the_address_that_the_proxy_knows() -> None:
    (pool,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    fixed = [ip_address(_address(service)) for service in ("proxy", *NODES)]
    assert len(set(fixed)) == len(fixed)
    for address in fixed:
        assert address in ip_network(pool["subnet"])
        assert address not in ip_network(pool["ip_range"]), "it may be given to another container"


def test_the_proxy_leads_to_the_nodes_of_the_composition() -> None:
    page = (ROOT / "docs" / "nginx.conf").read_text("utf-8")
    assert re.findall(r"server (\S+):8000 ", page) == list(NODES)
    assert "EXPOSE 8000" in (ROOT / "Dockerfile").read_text("utf-8")
    assert "listen 8080;" in page
    assert COMPOSE["services"]["proxy"]["ports"] == ["8080:8080"]


def test_one_process_of_the_proxy_has_room_for_ten_thousand_screens() -> None:
    page = (ROOT / "docs" / "nginx.conf").read_text("utf-8")
    connections = re.search(r"worker_connections (\d+);", page)
    files = re.search(r"^worker_rlimit_nofile (\d+);", page, re.MULTILINE)
    assert connections is not None
    assert files is not None
    assert int(files[1]) > int(connections[1]) > 2 * 10_000


def test_the_image_has_what_the_service_is_made_of() -> None:
    page = (ROOT / "Dockerfile").read_text("utf-8")
    for source in re.findall(r"^COPY (.+) \S+$", page, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}\n" in (ROOT / ".dockerignore").read_text("utf-8"), name


def test_the_image_starts_and_asks_what_there_is() -> None:
    page = (ROOT / "Dockerfile").read_text("utf-8")
    command = re.search(r'^CMD \["backroom", "(\w+)"\]$', page, re.MULTILINE)
    assert command is not None
    assert f"| `backroom {command[1]}` |" in (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert 'backroom = "app.__main__:main"' in (ROOT / "pyproject.toml").read_text("utf-8")
    asked = re.search(r"http://127\.0\.0\.1:8000(/\S+?)'", page)
    assert asked is not None
    assert asked[1] in {operation.path for operation in _health()}
    # Installed without the network: what builds it is locked with everything else.
    assert "\nsetuptools==" in (ROOT / "requirements.lock").read_text("utf-8")


def test_the_nodes_wait_for_a_server_that_others_can_reach_and_that_has_their_roles() -> None:
    postgres = COMPOSE["services"]["postgres"]
    assert "--host" in postgres["healthcheck"]["test"]
    made = re.findall(r"CREATE ROLE (\w+) LOGIN", COMPOSE["configs"]["roles"]["content"])
    given = COMPOSE["services"]["node-1"]["environment"]
    urls = [value for name, value in given.items() if name.endswith("DATABASE_URL")]
    assert sorted(made) == sorted(re.findall(r"//(\w+):", " ".join(urls)))
