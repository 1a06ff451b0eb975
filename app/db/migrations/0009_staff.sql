-- Staff: where their rights reach, their second factor, their PIN; sessions that can be named and
-- taken away one by one; and guesses counted for each proof apart.

ALTER TABLE staff
    ADD COLUMN floor       text CONSTRAINT staff_floor CHECK (floor IN ('upstairs', 'downstairs')),
    ADD COLUMN door        text,      -- floor, door and night are the scope: NULL is everywhere
    ADD COLUMN night       date,
    ADD COLUMN created_at  timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN edition     integer NOT NULL DEFAULT 1,  -- grows with every change of the account
    ADD COLUMN totp_sealed bytea,     -- AES-256-GCM under a key from outside the database
    ADD COLUMN totp_step   bigint NOT NULL DEFAULT 0,   -- the last step whose code counted
    ADD COLUMN pin_hash    text,      -- Argon2id of the peppered PIN
    -- What requests may know of the proofs that they may not read.
    ADD COLUMN has_password boolean GENERATED ALWAYS AS (password_hash IS NOT NULL) STORED,
    ADD COLUMN has_totp     boolean GENERATED ALWAYS AS (totp_sealed IS NOT NULL) STORED,
    ADD COLUMN has_pin      boolean GENERATED ALWAYS AS (pin_hash IS NOT NULL) STORED;

-- A recovery code stands in for the second factor once. Only its hash is kept (120 random bits).
CREATE TABLE recovery_code (
    staff_id  uuid  NOT NULL REFERENCES staff (id),
    code_hash bytea NOT NULL,
    used_at   timestamptz,
    PRIMARY KEY (staff_id, code_hash)
);

ALTER TABLE session
    ADD COLUMN id             uuid NOT NULL DEFAULT gen_random_uuid()
        CONSTRAINT session_id_is_unique UNIQUE,  -- names the session; the cookie it never tells
    ADD COLUMN began          text NOT NULL DEFAULT 'password'
        CONSTRAINT session_began CHECK (began IN ('password', 'link', 'pin')),
    ADD COLUMN assurance      text NOT NULL DEFAULT 'password'
        CONSTRAINT session_assurance CHECK (assurance IN ('password', 'link', 'totp', 'pin')),
    ADD COLUMN elevated_until timestamptz,  -- the end of the step-up
    ADD COLUMN totp_proposed  bytea,        -- the sealed seed that this session was shown
    ADD COLUMN device_id      uuid REFERENCES device (id),  -- the tablet of a session by PIN
    ADD COLUMN origin         text,         -- keyed digest of the address, as in the book
    ADD COLUMN agent          text,         -- "Firefox on Android": which screen it is
    ADD CONSTRAINT session_of_a_device CHECK ((began = 'pin') = (device_id IS NOT NULL));
CREATE INDEX session_of_device ON session (device_id) WHERE device_id IS NOT NULL;

-- A browser on which somebody has signed in: guesses from elsewhere do not hold it up.
CREATE TABLE known_device (
    token_hash bytea NOT NULL,        -- SHA-256 of the cookie's 256 random bits
    staff_id   uuid  NOT NULL REFERENCES staff (id),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (token_hash, staff_id)
);
CREATE INDEX known_device_of_staff ON known_device (staff_id, seen_at);

-- Failed proofs in a row. What is counted has a name (app.domain.patience): an account's password,
-- its codes, its PIN, each also apart for one device. A user name stands there as its hash, since
-- now and then somebody types their password in its place.
ALTER TABLE sign_in_failure RENAME TO guess;
ALTER TABLE guess RENAME COLUMN username TO subject;
ALTER TABLE guess ADD COLUMN staff_id uuid REFERENCES staff (id);  -- NULL: nobody has the name
UPDATE guess g SET staff_id = (SELECT s.id FROM staff s WHERE s.username = g.subject),
    subject = 'password:' || left(encode(sha256(convert_to(g.subject, 'UTF8')), 'hex'), 32);
CREATE INDEX guess_of_staff ON guess (staff_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_code, known_device TO auth;
-- Whether a browser is known is asked before anything of a sign-in is looked at.
GRANT SELECT (token_hash, expires_at) ON known_device TO app;
GRANT SELECT (floor, door, night, created_at, edition, has_password, has_totp, has_pin)
    ON staff TO app;
-- A session's cookie is only ever looked for; its proposed seed is not for requests.
REVOKE SELECT ON session FROM app;
GRANT SELECT (id, id_hash, staff_id, created_at, seen_at, expires_at, revoked_at, began, assurance,
    elevated_until, device_id, origin, agent) ON session TO app;
