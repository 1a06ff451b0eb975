"""Settings: read once, every problem named at once, secrets never shown."""

from dataclasses import fields
from hashlib import sha256
from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, is_guessable, settings_table

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
SECRET = sha256(b"secret").hexdigest()
FIRST, SECOND = (sha256(name).hexdigest() for name in (b"first", b"second"))
EXTERNAL = {
    "DATABASE_URL": "postgresql://app:pw@db/backroom",
    "REDIS_URL": "redis://cache:6379/0",
    "BACKROOM_SECRET": SECRET,
}


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    return caught.value.problems


def test_an_empty_environment_is_the_local_default() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.data_dir.name == ".data"
    assert settings.data_dir.is_absolute()
    assert not settings.database_url
    assert not settings.redis_url
    assert not settings.demo


def test_the_other_roles_default_to_the_one_database_url() -> None:
    settings = Settings.from_environment(EXTERNAL)
    url = EXTERNAL["DATABASE_URL"]
    assert settings.owner_database_url == settings.listen_database_url == url
    assert settings.jobs_database_url == settings.auth_database_url == url
    direct = "postgresql://app:pw@direct/backroom"
    own = Settings.from_environment(EXTERNAL | {"LISTEN_DATABASE_URL": direct})
    assert (own.listen_database_url, own.owner_database_url) == (direct, url)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://db/backroom"),
        ("DATABASE_URL", "postgresql"),
        ("REDIS_URL", "cache:6379"),
        ("BACKROOM_SECRET", "short"),
        ("PERSON_KEYS", FIRST),
        ("PERSON_KEYS", "first:5e5e"),
        ("PERSON_KEYS", f"first:{FIRST.upper()}"),
        ("PERSON_KEYS", f"first:{FIRST},first:{SECOND}"),
        ("PORT", "80a"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("WORKERS", "-1"),
        ("PUBLIC_URL", "https://tables.example.com/floor"),
        ("PUBLIC_URL", "tables.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "10.0.0.5,::/0"),
        ("LOG_LEVEL", "loud"),
        ("BACKROOM_DEMO", "yes"),
        ("BACKROOM_DEMO_SPEED", "nan"),
        ("BACKROOM_DEMO_SPEED", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variable(variable: str, value: str) -> None:
    found = problems(EXTERNAL | {variable: value})
    assert len(found) == 1
    assert found[0].startswith(f"{variable} must be ")


def test_past_a_pooler_there_is_a_direct_way() -> None:
    direct = {"LISTEN_DATABASE_URL": "postgresql://app@db/x"}
    owner = {"OWNER_DATABASE_URL": "postgresql://owner@db/x"}
    pooled = EXTERNAL | {"DATABASE_POOLED": "1"}
    assert Settings.from_environment(pooled | direct | owner).database_pooled
    for lacking in (direct, owner, {}):
        with pytest.raises(SettingsError, match="past the DATABASE_POOLED"):
            Settings.from_environment(pooled | lacking)


def test_every_problem_is_named_at_once() -> None:
    found = problems({"PORT": "x", "WORKERS": "y", "LOG_LEVEL": "z"})
    assert [sentence.split()[0] for sentence in found] == ["PORT", "WORKERS", "LOG_LEVEL"]


STRIPE = {
    "STRIPE_API_KEY": "sk_live_abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_abcdefgh, whsec_rolledrolled",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_abc",
}


def test_stripe_is_set_whole_or_not_at_all() -> None:
    assert Settings.from_environment(STRIPE).stripe_is_live
    for missing in ("STRIPE_WEBHOOK_SECRET", "STRIPE_PUBLISHABLE_KEY"):
        (told,) = problems({k: v for k, v in STRIPE.items() if k != missing})
        assert told == f"{missing} must be set beside STRIPE_API_KEY."
    assert "same mode" in problems(STRIPE | {"STRIPE_PUBLISHABLE_KEY": "pk_test_abc"})[0]
    assert "whsec_" in problems(STRIPE | {"STRIPE_WEBHOOK_SECRET": "hunter2"})[0]


def test_what_stands_in_for_stripe_is_for_nobody_else() -> None:
    """Its cards pay nothing: whoever reaches the service could book for free."""
    local = {"STRIPE_API_URL": "http://127.0.0.1:8420"}
    assert Settings.from_environment(local).stripe_api_url
    assert "anybody could book" in problems({"STRIPE_API_URL": "http://10.0.0.5:8420"})[0]
    public = {"PUBLIC_URL": "https://tables.example.com"}
    assert "anybody could book" in problems(local | public)[0]


def test_a_secret_is_neither_in_repr_nor_in_an_error() -> None:
    settings = Settings.from_environment(EXTERNAL | STRIPE)
    for secret in ("pw@db", SECRET, "sk_live_abc", "whsec_abcdefgh"):
        assert secret not in repr(settings)
    assert "hunter2" not in problems({"DATABASE_URL": "mysql://app:hunter2@db/x"})[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.20", "::", "tables.example.com"])
def test_other_machines_are_let_in_only_over_tls(host: str, tmp_path: Path) -> None:
    public = {"HOST": host, "PUBLIC_URL": "https://tables.example.com"}
    assert "needs HTTPS" in problems(public)[0]
    assert Settings.from_environment(public | {"TRUSTED_PROXIES": "10.0.0.5"}).host == host
    for name in ("cert", "key"):
        (tmp_path / name).write_text("PEM")
    tls = {"TLS_CERTIFICATE": str(tmp_path / "cert"), "TLS_KEY": str(tmp_path / "key")}
    assert Settings.from_environment(public | tls).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    assert Settings.from_environment({"HOST": host}).listens_on_loopback


def test_a_wildcard_address_needs_the_public_url() -> None:
    found = problems({"HOST": "0.0.0.0", "TRUSTED_PROXIES": "10.0.0.5"})
    assert found == ["PUBLIC_URL must be set when HOST is 0.0.0.0: the origin that browsers use."]


GUESSABLE = (
    "0" * 64,
    "5e" * 32,
    "0123456789abcdef" * 4,
    "deadbeef" * 8,
    b"correct horse battery staple, ok".hex(),
    "0" * 48 + "0123456789abcdef",
    "02468ace13579bdf02468ace13579bdf02468ace13579bdf02468ace13579bd0",
)


@pytest.mark.parametrize("digits", GUESSABLE)
def test_a_key_that_somebody_chose_is_refused_and_not_shown(digits: str) -> None:
    for variable, value in (("BACKROOM_SECRET", digits), ("PERSON_KEYS", f"first:{digits}")):
        (told,) = problems(EXTERNAL | {variable: value})
        assert told.startswith(f"{variable} must be ")
        assert "chance" in told
        assert digits not in told


def test_a_key_by_chance_is_taken() -> None:
    for number in range(2000):
        assert not is_guessable(sha256(b"%d" % number).hexdigest())


def test_one_key_does_not_serve_for_two_things() -> None:
    found = problems(EXTERNAL | {"PERSON_KEYS": f"first:{FIRST},second:{SECRET}"})
    assert found == ["PERSON_KEYS must have keys of their own: one of them is the BACKROOM_SECRET."]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.8"])
def test_browsers_of_other_machines_get_no_plain_http(host: str) -> None:
    proxied = {"HOST": host, "TRUSTED_PROXIES": "10.0.0.5"}
    (told,) = problems(proxied | {"PUBLIC_URL": "http://tables.example.com"})
    assert told.startswith("PUBLIC_URL must begin with https://")
    public = Settings.from_environment(proxied | {"PUBLIC_URL": "https://tables.example.com"})
    assert not public.is_for_this_machine
    assert Settings.from_environment({}).is_for_this_machine


def test_half_a_tls_setting_and_a_missing_file_are_named(tmp_path: Path) -> None:
    found = problems({"TLS_CERTIFICATE": str(tmp_path / "none")})
    assert len(found) == 2
    assert "TLS_KEY" in found[0]
    assert found[1].startswith("TLS_CERTIFICATE must name a file")


def test_a_worker_reads_the_same_settings_from_the_environment_it_is_given(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        EXTERNAL
        | {
            "HOST": "::",
            "PUBLIC_URL": "https://tables.example.com",
            "TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16",
            "ALLOWED_HOSTS": "a.example.com,b.example.com",
            "BACKROOM_DATA": str(tmp_path),
            "BACKROOM_DEMO": "1",
            "BACKROOM_DEMO_SPEED": "12.5",
            "WORKERS": "4",
            "PERSON_KEYS": f"second:{SECOND}, first:{FIRST}",
            "ERASURE_LOG": str(tmp_path / "erased"),
        }
    )
    assert Settings.from_environment(settings.environment()) == settings


def test_the_table_in_the_document_is_the_one_in_the_code() -> None:
    assert settings_table() in DOCUMENT.read_text(), "copy settings_table() into docs/operations.md"


def test_every_setting_has_a_variable_of_its_own_and_a_meaning() -> None:
    variables = [item.metadata["variable"] for item in fields(Settings)]
    assert len(set(variables)) == len(variables)
    assert all(item.metadata["meaning"] for item in fields(Settings))
