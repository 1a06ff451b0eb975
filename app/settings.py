"""What may be set from outside: the only module that reads the environment.

`Settings.from_environment` reads every variable, and reports all that is wrong in one error that
names the variables. A variable that is set to the empty text counts as not set. The table in
`docs/operations.md` is made from the fields below.
"""

import ipaddress
import itertools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CHECKOUT = Path(__file__).resolve().parent.parent

WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound

# Settings whose change is a deed of the administration.
AUDITED = ("PUBLIC_URL", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "BACKROOM_DEMO")

LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """One or more settings are wrong; `problems` has a sentence for each, naming the variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


def _text(value: str) -> str:
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        sentence = f"a number from {low:g} to {high:g}"
        try:
            number = float(value)
        except ValueError:
            raise ValueError(sentence) from None
        if not low <= number <= high:
            raise ValueError(sentence)
        return number

    return read


def _flag(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("1 or 0")
    return value == "1"


def _address(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        try:
            scheme = urlsplit(value).scheme
        except ValueError:
            scheme = ""
        if scheme not in schemes or "://" not in value:
            starts = " or ".join(f"{name}://" for name in schemes)
            raise ValueError(f"an address that starts with {starts}")
        return value

    return read


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("an origin without a path, such as https://tables.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _mailbox(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+", value):
        raise ValueError("an e-mail address, such as tables@example.com")
    return value


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in value.split(",") if name.strip())


def _secrets(value: str) -> tuple[str, ...]:
    found = tuple(name.strip() for name in value.split(",") if name.strip())
    if any(not re.fullmatch(r"whsec_[A-Za-z0-9+/=_-]{8,200}", name) for name in found):
        raise ValueError("one or two secrets that start with whsec_, separated by a comma")
    return found


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(name) for name in _names(value))
    except ValueError:
        sentence = "addresses or networks, separated by commas: 10.0.0.5,10.1.0.0/16"
        raise ValueError(sentence) from None


def _proxies(value: str) -> tuple[Network, ...]:
    found = _networks(value)
    if any(network.prefixlen == 0 for network in found):
        raise ValueError("the proxies' own addresses; a /0 lets everybody name any address")
    return found


def _level(value: str) -> str:
    if value.lower() not in LOG_LEVELS:
        raise ValueError("one of " + ", ".join(LOG_LEVELS))
    return value.lower()


def _secret(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64,}", value):
        raise ValueError("at least 64 lower-case hexadecimal digits (openssl rand -hex 32)")
    if is_guessable(value):
        raise ValueError("64 digits that chance chose, not a pattern (openssl rand -hex 32)")
    return value


def is_guessable(digits: str) -> bool:
    """Whether somebody chose the hexadecimal digits: a text, a counting, a pattern that repeats.

    Of keys by chance not one in 10^11 is taken for such.
    """
    repeats = digits in (digits + digits)[1:-1]
    # 64 digits by chance have 15.7 different ones; the chance of at most 9 is 10^-12.
    few = len(set(digits)) < 10
    # "correct horse battery staple ..." in hexadecimal; by chance 10^-13.
    text = all(32 <= byte < 127 for byte in bytes.fromhex(digits[: len(digits) // 2 * 2]))
    steps = {(int(b, 16) - int(a, 16)) % 16 for a, b in itertools.pairwise(digits)}
    return repeats or few or text or len(steps) < 4


def _outer_keys(value: str) -> str:
    parts = [part.strip() for part in value.split(",")]
    found = [re.fullmatch(r"([a-z0-9][a-z0-9_-]{0,31}):[0-9a-f]{64}", part) for part in parts]
    names = {match[1] for match in found if match}
    if len(names) < len(parts):
        raise ValueError(
            "keys with names that differ, the first of which seals, separated by commas: "
            "name:64 lower-case hexadecimal digits"
        )
    if any(is_guessable(part.partition(":")[2]) for part in parts):
        raise ValueError("keys that chance chose, not patterns (openssl rand -hex 32)")
    return ",".join(parts)


def _path(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _setting(
    variable: str,
    read: Callable[[str], Any],
    default: Any,
    meaning: str,
    *,
    private: bool = False,
) -> Any:
    return field(
        default=default,
        repr=not private,
        metadata={"variable": variable, "read": read, "meaning": meaning},
    )


_POSTGRES = _address("postgresql", "postgres")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, checked; secrets stay out of `repr`.

    An empty `database_url` or `redis_url` means that the service is to run its own server; the
    parent of `backroom serve` fills them in before any other part sees the settings.
    """

    database_url: str = _setting(
        "DATABASE_URL", _POSTGRES, "", "Postgres as the role of requests; unset: embedded",
        private=True,
    )  # fmt: skip
    owner_database_url: str = _setting(
        "OWNER_DATABASE_URL", _POSTGRES, "", "as the role that migrates; default DATABASE_URL",
        private=True,
    )  # fmt: skip
    listen_database_url: str = _setting(
        "LISTEN_DATABASE_URL", _POSTGRES, "",
        "direct, past any pooler, for LISTEN; default DATABASE_URL", private=True,
    )  # fmt: skip
    jobs_database_url: str = _setting(
        "JOBS_DATABASE_URL", _POSTGRES, "",
        "as the role of sweeper, outbox and webhooks; default DATABASE_URL", private=True,
    )  # fmt: skip
    auth_database_url: str = _setting(
        "AUTH_DATABASE_URL", _POSTGRES, "", "as the role of sign-in; default DATABASE_URL",
        private=True,
    )  # fmt: skip
    database_pooled: bool = _setting(
        "DATABASE_POOLED", _flag, False,
        "1: DATABASE_URL, JOBS_ and AUTH_DATABASE_URL lead through a pooler of transactions "
        "(PgBouncer); then OWNER_ and LISTEN_DATABASE_URL must be set, past it",
    )  # fmt: skip
    redis_url: str = _setting(
        "REDIS_URL", _address("redis", "rediss", "unix"), "", "Redis; unset: embedded", private=True
    )
    secret: str = _setting(
        "BACKROOM_SECRET", _secret, "",
        "64 hexadecimal digits that private keys are derived from, the same on every node; needed "
        "beside a DATABASE_URL, else made once and kept in the data directory", private=True,
    )  # fmt: skip
    person_keys: str = _setting(
        "PERSON_KEYS", _outer_keys, "",
        "the keys that personal data is sealed under, name:64 hexadecimal digits, separated by "
        "commas, the same on every node: the first seals, all open; needed beside a DATABASE_URL, "
        "else made once and kept in the data directory", private=True,
    )  # fmt: skip
    erasure_log: Path | None = _setting(
        "ERASURE_LOG", _path, None,
        "the file that remembers who was erased, for after a restore; default erasures.log in the "
        "data directory",
    )  # fmt: skip
    anchor_file: Path | None = _setting(
        "ANCHOR_FILE", _path, None,
        "the file that remembers the heads of the books outside the database, best on a place that "
        "only appends; default anchors.log in the data directory",
    )  # fmt: skip
    data_dir: Path = _setting(
        "BACKROOM_DATA", _path, CHECKOUT / ".data", "the one directory with all data"
    )
    host: str = _setting("HOST", _text, "127.0.0.1", "address to listen on")
    port: int = _setting("PORT", _whole(1, 65535), 8000, "port to listen on")
    workers: int = _setting("WORKERS", _whole(1, 64), 1, "processes that answer requests")
    public_url: str = _setting(
        "PUBLIC_URL", _origin, "", "the origin that browsers use; default http://HOST:PORT"
    )
    allowed_hosts: tuple[str, ...] = _setting(
        "ALLOWED_HOSTS", _names, (), "further Host names that are answered, separated by commas"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "TRUSTED_PROXIES", _proxies, (),
        "addresses or networks whose Forwarded headers are believed, separated by commas",
    )  # fmt: skip
    tls_certificate: Path | None = _setting(
        "TLS_CERTIFICATE", _path, None, "certificate chain (PEM), to serve HTTPS without a proxy"
    )
    tls_key: Path | None = _setting("TLS_KEY", _path, None, "its private key (PEM)")
    log_level: str = _setting("LOG_LEVEL", _level, "info", "one of " + ", ".join(LOG_LEVELS))
    stripe_api_key: str = _setting(
        "STRIPE_API_KEY", _text, "",
        "Stripe's secret key; unset: test deposits on this machine, at the desk elsewhere",
        private=True,
    )  # fmt: skip
    stripe_webhook_secrets: tuple[str, ...] = _setting(
        "STRIPE_WEBHOOK_SECRET", _secrets, (),
        "signs Stripe's webhook calls; while it is rolled both, separated by a comma", private=True,
    )  # fmt: skip
    stripe_publishable_key: str = _setting(
        "STRIPE_PUBLISHABLE_KEY", _text, "", "Stripe's public key, for the card form on the page"
    )
    smtp_url: str = _setting(
        "SMTP_URL", _address("smtp", "smtps"), "",
        "the mail server, smtp://name:password@host:587 (STARTTLS) or smtps://host:465; unset: "
        "e-mail is kept in the outbox and not sent", private=True,
    )  # fmt: skip
    mail_from: str = _setting(
        "MAIL_FROM", _mailbox, "", "the address that e-mail comes from; needed beside SMTP_URL"
    )
    twilio_account: str = _setting(
        "TWILIO_ACCOUNT", _text, "",
        "the account of Twilio (AC...) by which SMS go out; unset: they are kept and not sent",
    )  # fmt: skip
    twilio_token: str = _setting(
        "TWILIO_TOKEN", _text, "", "its token; needed beside TWILIO_ACCOUNT", private=True
    )
    twilio_from: str = _setting(
        "TWILIO_FROM", _text, "",
        "the number in E.164, the name, or the messaging service (MG...) that SMS come from",
    )  # fmt: skip
    twilio_api: str = _setting(
        "TWILIO_API", _origin, "https://api.twilio.com", "where Twilio's interface is"
    )
    stripe_api_url: str = _setting(
        "STRIPE_API_URL", _address("http"), "",
        "set by the service itself: what stands in for Stripe on this machine; then the page shows "
        "a test form",
    )  # fmt: skip
    demo: bool = _setting(
        "BACKROOM_DEMO", _flag, False, "set by `backroom demo`: demo data and the demo clock"
    )
    demo_speed: float = _setting(
        "BACKROOM_DEMO_SPEED", _number(1, 3600), 60.0, "demo seconds per second"
    )
    demo_seed: int = _setting(
        "BACKROOM_DEMO_SEED", _whole(0, 999_999_999), 1, "which demo night is played"
    )
    demo_quiet: bool = _setting(
        "BACKROOM_DEMO_QUIET", _flag, False, "1: the demo's player tells nothing of its night"
    )
    demo_token: str = _setting(
        "BACKROOM_DEMO_TOKEN", _text, "",
        "set by `backroom demo`: what its player shows to get the sign-in links", private=True,
    )  # fmt: skip

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read and check all settings; raises SettingsError with every problem at once."""
        source = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            variable = item.metadata["variable"]
            text = source.get(variable, "").strip()
            if not text:
                if item.default is MISSING:
                    problems.append(f"{variable} must be set: {item.metadata['meaning']}.")
                continue
            try:
                values[item.name] = item.metadata["read"](text)
            except ValueError as error:
                shown = "" if not item.repr else f", not {text!r}"
                problems.append(f"{variable} must be {error}{shown}.")
        if problems:
            raise SettingsError(problems)
        settings = cls(**values)
        if problems := settings._contradictions():
            raise SettingsError(problems)
        return settings

    def __post_init__(self) -> None:
        for name in ("owner", "listen", "jobs", "auth"):
            if not getattr(self, f"{name}_database_url"):
                object.__setattr__(self, f"{name}_database_url", self.database_url)
        if not self.public_url:
            scheme = "https" if self.tls_certificate else "http"
            host = f"[{self.host}]" if ":" in self.host else self.host
            object.__setattr__(self, "public_url", f"{scheme}://{host}:{self.port}")

    def _contradictions(self) -> list[str]:
        problems = []
        if bool(self.tls_certificate) != bool(self.tls_key):
            problems.append("TLS_CERTIFICATE and TLS_KEY must be set together.")
        for variable, file in (
            ("TLS_CERTIFICATE", self.tls_certificate),
            ("TLS_KEY", self.tls_key),
        ):
            if file is not None and not file.is_file():
                problems.append(f"{variable} must name a file; {file} is none.")
        if not self.listens_on_loopback and not self.trusted_proxies and not self.tls_certificate:
            problems.append(
                f"HOST={self.host} can be reached from other machines, so sign-in needs HTTPS: set "
                "TLS_CERTIFICATE and TLS_KEY, or TRUSTED_PROXIES to the proxy that ends TLS; "
                "or leave HOST at 127.0.0.1."
            )
        if self.smtp_url and not self.mail_from:
            problems.append("MAIL_FROM must be set beside SMTP_URL.")
        if self.twilio_account and not (self.twilio_token and self.twilio_from):
            problems.append("TWILIO_TOKEN and TWILIO_FROM must be set beside TWILIO_ACCOUNT.")
        if urlsplit(self.public_url).hostname in WILDCARDS:
            problems.append(
                f"PUBLIC_URL must be set when HOST is {self.host}: the origin that browsers use."
            )
        elif self.public_url.startswith("http://") and not is_loopback(
            urlsplit(self.public_url).hostname or ""
        ):
            problems.append(
                f"PUBLIC_URL must begin with https://, not be {self.public_url}: passwords and "
                "sessions of other machines' browsers need TLS."
            )
        direct = {self.owner_database_url, self.listen_database_url}
        if self.database_pooled and self.database_url in direct:
            problems.append("OWNER_ and LISTEN_DATABASE_URL must be set past the DATABASE_POOLED.")
        problems += self._money_problems()
        if self.secret and self.secret in self.person_keys:
            problems.append(
                "PERSON_KEYS must have keys of their own: one of them is the BACKROOM_SECRET."
            )
        return problems

    def _money_problems(self) -> list[str]:
        problems = []
        beside = (
            ("STRIPE_WEBHOOK_SECRET", bool(self.stripe_webhook_secrets)),
            ("STRIPE_PUBLISHABLE_KEY", bool(self.stripe_publishable_key or self.stripe_api_url)),
        )
        if self.stripe_api_key:
            problems += [
                f"{variable} must be set beside STRIPE_API_KEY."
                for variable, there in beside
                if not there
            ]
        if self.stripe_publishable_key and (
            ("_live_" in self.stripe_publishable_key) != self.stripe_is_live
            or not self.stripe_publishable_key.startswith("pk_")
        ):
            problems.append(
                "STRIPE_PUBLISHABLE_KEY must be the pk_ key of the same mode as STRIPE_API_KEY."
            )
        host = urlsplit(self.stripe_api_url).hostname or ""
        if self.stripe_api_url and not (is_loopback(host) and self.is_for_this_machine):
            problems.append(
                "STRIPE_API_URL is for a service that only this machine can reach: with it anybody "
                "could book without paying."
            )
        return problems

    @property
    def stripe_is_live(self) -> bool:
        """Whether real money moves."""
        return "_live_" in self.stripe_api_key

    @property
    def listens_on_loopback(self) -> bool:
        """True if only this machine can connect."""
        return is_loopback(self.host)

    @property
    def is_for_this_machine(self) -> bool:
        """True if nobody else is meant to reach it, not even through a proxy."""
        public = urlsplit(self.public_url).hostname or ""
        return self.listens_on_loopback and is_loopback(public)

    @property
    def erasures_file(self) -> Path:
        """Where erasures are remembered outside the database."""
        return self.erasure_log or self.data_dir / "erasures.log"

    @property
    def anchors_path(self) -> Path:
        """Where the heads of the books are remembered outside the database."""
        return self.anchor_file or self.data_dir / "anchors.log"

    def audited(self) -> dict[str, str]:
        """What the venue's book keeps of the settings: who is believed and answered; no secrets.

        Only what is the same on every node, or each start would change it.
        """
        texts = self.environment()
        return {variable: texts.get(variable, "") for variable in AUDITED}

    def environment(self) -> dict[str, str]:
        """The variables that give the same settings to another process of this service."""
        result = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value in ("", None, ()):
                continue
            if isinstance(value, tuple):
                value = ",".join(str(part) for part in value)
            elif isinstance(value, bool):
                value = "1" if value else "0"
            result[str(item.metadata["variable"])] = str(value)
        return result


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine's, for itself alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings_table() -> str:
    """The settings as a Markdown table, for `docs/operations.md`."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for item in fields(Settings):
        default = item.default
        if isinstance(default, Path):
            shown = "`.data`"
        elif default in ("", None, ()):
            shown = ""
        elif isinstance(default, bool):
            shown = "`1`" if default else "`0`"
        else:
            shown = f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
        lines.append(f"| `{item.metadata['variable']}` | {shown} | {item.metadata['meaning']} |")
    return "\n".join(lines) + "\n"
