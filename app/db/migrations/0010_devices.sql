-- Devices are paired by a code that is used once, take new tokens without a visit, and say how they
-- are; what a device sends after its token ended waits for a manager instead of being lost.

-- A device that nobody paired yet has no token.
ALTER TABLE device ALTER COLUMN token_hash DROP NOT NULL;
ALTER TABLE device
    ADD COLUMN generation      integer NOT NULL DEFAULT 0  -- of the token; it is derived from it
        CONSTRAINT device_generation CHECK (generation >= 0),
    ADD COLUMN next_token_hash bytea   -- rolled: its first use makes it the token
        CONSTRAINT device_next_token_is_unique UNIQUE,
    ADD COLUMN night           date,   -- it scans this night only; NULL: every night
    ADD COLUMN paired_at       timestamptz,
    ADD COLUMN pairing_number  integer NOT NULL DEFAULT 0  -- the code is derived from it
        CONSTRAINT device_pairing_number CHECK (pairing_number >= 0),
    ADD COLUMN pairing_hash    bytea   -- SHA-256 of the code
        CONSTRAINT device_pairing_is_unique UNIQUE,
    ADD COLUMN pairing_expires_at timestamptz,  -- real time, whatever the demo clock shows
    ADD COLUMN pairing_used_at timestamptz,
    ADD COLUMN battery_percent smallint
        CONSTRAINT device_battery CHECK (battery_percent BETWEEN 0 AND 100),
    ADD COLUMN version         text,   -- of what runs on it
    ADD COLUMN spool           integer -- scans that it holds without a verdict
        CONSTRAINT device_spool CHECK (spool >= 0),
    ADD COLUMN status_at       timestamptz;
UPDATE device SET generation = 1, paired_at = created_at WHERE token_hash IS NOT NULL;

-- Tokens that were followed by another one of the same device: known, so that a scan sent with one
-- is kept, and good for nothing else. The newest of each device (app.db.devices has the number).
CREATE TABLE retired_token (
    token_hash bytea PRIMARY KEY,
    device_id  uuid NOT NULL REFERENCES device (id),
    retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX retired_token_of_device ON retired_token (device_id, retired_at);

-- A scan that came with a token that is over. It counts for nothing until a manager accepts it.
-- Never the code: the ticket that its signature proves, or the reference that was typed.
CREATE TABLE quarantined_scan (
    id          uuid PRIMARY KEY,
    device_id   uuid NOT NULL REFERENCES device (id),
    scan_id     uuid NOT NULL,
    body_hash   bytea NOT NULL,       -- as in scan: the same id with another body is another scan
    received_at timestamptz NOT NULL DEFAULT now(),
    at          timestamptz NOT NULL, -- the venue's clock when it came
    door        text NOT NULL,
    direction   text NOT NULL CONSTRAINT quarantined_scan_direction CHECK (direction IN ('in', 'out')),
    people      integer CONSTRAINT quarantined_scan_people CHECK (people > 0),
    ticket_id   uuid,
    generation  integer,              -- of the code that was shown
    reference   text,
    refused     text,                 -- why the code or the reference itself does not stand
    resolved_at timestamptz,
    resolved_by text,                 -- the actor
    resolution  text CONSTRAINT quarantined_scan_resolution CHECK (resolution IN ('accept', 'dismiss')),
    reason      text,                 -- a word of a list
    counted     integer NOT NULL DEFAULT 0,
    CONSTRAINT quarantined_scan_is_resolved_whole
        CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
    CONSTRAINT quarantined_scan_comes_once UNIQUE (device_id, scan_id)
);
CREATE INDEX quarantined_scan_waiting ON quarantined_scan (device_id, received_at)
    WHERE resolved_at IS NULL;

GRANT SELECT, INSERT, DELETE ON retired_token TO app;
GRANT SELECT, INSERT ON quarantined_scan TO app;
GRANT UPDATE (resolved_at, resolved_by, resolution, reason, counted) ON quarantined_scan TO app;
GRANT SELECT ON quarantined_scan TO jobs;

-- For the day on which row security is forced: a device whose token is over leaves its scans here
-- and sees no others; a manager who accepted one writes its verdict in the device's name, and sees
-- whether it has one.
CREATE POLICY own_of_revoked ON quarantined_scan FOR SELECT TO app
    USING (NULLIF(current_setting('app.role', true), '') = 'REVOKED'
           AND 'device:' || device_id = current_setting('app.caller', true));
CREATE POLICY left_by_revoked ON quarantined_scan FOR INSERT TO app
    WITH CHECK (NULLIF(current_setting('app.role', true), '') = 'REVOKED'
                AND resolved_at IS NULL AND counted = 0
                AND 'device:' || device_id = current_setting('app.caller', true));
CREATE POLICY decided_by_manager ON scan FOR INSERT TO app
    WITH CHECK (NULLIF(current_setting('app.role', true), '') IN ('MANAGER', 'SUPER_ADMIN')
                AND EXISTS (SELECT FROM quarantined_scan q
                             WHERE 'device:' || q.device_id = scan.scanner
                               AND q.scan_id = scan.scan_id AND q.resolution = 'accept'));
CREATE POLICY decision_seen_by_manager ON scan FOR SELECT TO app
    USING (NULLIF(current_setting('app.role', true), '') IN ('MANAGER', 'SUPER_ADMIN')
           AND EXISTS (SELECT FROM quarantined_scan q
                        WHERE 'device:' || q.device_id = scan.scanner
                          AND q.scan_id = scan.scan_id));
