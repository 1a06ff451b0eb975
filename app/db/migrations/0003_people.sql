-- Who may act: staff, sessions, devices; and what they were answered.

CREATE TABLE staff (
    id            uuid PRIMARY KEY,
    username      text NOT NULL CONSTRAINT staff_username_is_unique UNIQUE,
    display_name  text NOT NULL,
    role          text NOT NULL CONSTRAINT staff_role CHECK (role IN ('SUPER_ADMIN', 'MANAGER', 'DOOR_STAFF')),
    password_hash text,               -- Argon2id; NULL: signs in by link only
    demo          boolean NOT NULL DEFAULT false,
    disabled_at   timestamptz
);

-- Sessions live on real time, whatever the demo clock shows.
CREATE TABLE session (
    id_hash    bytea PRIMARY KEY,     -- SHA-256 of the cookie's 256 random bits
    staff_id   uuid NOT NULL REFERENCES staff (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,  -- absolute limit
    revoked_at timestamptz
);
CREATE INDEX session_of_staff ON session (staff_id);

-- A single-use link that signs a person in; the demo prints some on loopback.
CREATE TABLE sign_in_link (
    token_hash bytea PRIMARY KEY,
    staff_id   uuid NOT NULL REFERENCES staff (id),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

-- Failed sign-ins of an account, kept here so that emptying Redis cannot reset them.
CREATE TABLE sign_in_failure (
    username  text PRIMARY KEY,
    failures  integer NOT NULL,
    failed_at timestamptz NOT NULL
);

CREATE TABLE device (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    kind       text NOT NULL CONSTRAINT device_kind CHECK (kind IN ('tablet', 'camera')),
    door       text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT device_token_is_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz,
    revoked_at timestamptz
);

-- One read by a device or a member of staff, with its answer for ever. `answer` is the stored
-- verdict's bytes; the name that is shown beside it is read when it is asked for.
CREATE TABLE scan (
    scanner    text  NOT NULL,        -- "device:<id>" or "staff:<id>"
    scan_id    uuid  NOT NULL,
    body_hash  bytea NOT NULL,        -- SHA-256 of the request: the same id with another body is refused
    night      date,
    at         timestamptz NOT NULL,
    door       text  NOT NULL,
    verdict    text  NOT NULL CONSTRAINT scan_verdict CHECK (verdict IN ('admit', 'wait', 'refuse')),
    reason     text  NOT NULL,
    booking_id uuid,
    ticket_id  uuid,
    people     integer NOT NULL DEFAULT 0,
    answer     bytea NOT NULL,
    PRIMARY KEY (scanner, scan_id)
);
CREATE INDEX scan_of_night ON scan (night, at);

-- Answers to writes, by the caller's key, for 24 hours.
CREATE TABLE idempotency (
    caller     text  NOT NULL,
    key        text  NOT NULL,
    body_hash  bytea NOT NULL,        -- SHA-256 of method, path and body
    status     smallint,              -- NULL only inside the transaction that claims the key
    answer     bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
