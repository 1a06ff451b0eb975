-- What is to be said to customers, in the order in which it happened. A row names whom and what by
-- ids; names, addresses and texts are read when it is sent, so that who was erased is nowhere here.

CREATE TABLE outbox (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),  -- the Message-ID, the same at each try
    number       bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_number UNIQUE,
    kind         text NOT NULL CONSTRAINT outbox_kind CHECK (kind ~ '^[a-z][a-z0-9_]{0,39}$'),
    channel      text NOT NULL CONSTRAINT outbox_channel CHECK (channel IN ('email', 'sms')),
    cause        text NOT NULL CONSTRAINT outbox_cause CHECK (length(cause) BETWEEN 1 AND 200),
    booking_id   uuid REFERENCES booking (id),
    waitlist_id  uuid,
    person_id    uuid NOT NULL REFERENCES person (id),
    details      jsonb NOT NULL DEFAULT '{}',  -- figures, instants and ids; nothing of a person
    sequence     integer,      -- of the booking's calendar entry; NULL: this carries none
    not_before   timestamptz,  -- of the venue's clock
    useful_until timestamptz,  -- of the venue's clock: later nobody needs it
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),  -- this and the rest: real time
    status       text NOT NULL DEFAULT 'waiting' CONSTRAINT outbox_status
                     CHECK (status IN ('waiting', 'sent', 'kept', 'dropped', 'dead')),
    reason       text,         -- why it is kept, dropped or dead, or what the last try met
    attempts     integer NOT NULL DEFAULT 0,
    next_try_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease        uuid,         -- the worker that is sending it
    lease_until  timestamptz,
    settled_at   timestamptz,
    -- One cause is told once on one way, however often it is reported.
    CONSTRAINT outbox_tells_once UNIQUE (cause, channel),
    CONSTRAINT outbox_settled CHECK ((status = 'waiting') = (settled_at IS NULL))
);
CREATE INDEX outbox_due ON outbox (next_try_at) WHERE status = 'waiting';
CREATE INDEX outbox_waiting ON outbox (person_id, channel, number) WHERE status = 'waiting';
CREATE INDEX outbox_of_booking ON outbox (booking_id) WHERE booking_id IS NOT NULL;

REVOKE ALL ON outbox FROM PUBLIC;
GRANT SELECT, UPDATE (status, reason, attempts, next_try_at, settled_at) ON outbox TO app;
GRANT SELECT, DELETE, UPDATE (status, reason, attempts, next_try_at, lease, lease_until, settled_at)
    ON outbox TO jobs;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON outbox TO CURRENT_USER USING (true);
CREATE POLICY seen_by_manager ON outbox FOR SELECT TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY replayed_by_manager ON outbox FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND status IN ('dead', 'kept'))
    WITH CHECK (status = 'waiting');
CREATE POLICY sent_by_time ON outbox TO jobs USING ((SELECT acts_as('SYSTEM')));
