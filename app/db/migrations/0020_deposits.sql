-- Deposits with Stripe, refunds, and what Stripe tells.
--
-- Every payment says in three columns where its money is, and the check holds them to its amount:
-- paid = kept + refund pending + refunded, always. A booking's paid_pence is what the house still
-- has of it: paid less refunded.

-- The policy that was in force when the booking was made. NULL: it was made before policies were kept.
ALTER TABLE booking
    ADD COLUMN refund_policy  jsonb,
    ADD COLUMN payment_failed boolean NOT NULL DEFAULT false,  -- the last try to pay online did
    ADD COLUMN disputed       boolean NOT NULL DEFAULT false;  -- its bank was asked to take it back

-- One try to collect a deposit online: Stripe's PaymentIntent, as far as it concerns us. The
-- idempotency key is committed before Stripe is called, so that a call whose answer was lost can be
-- made again. The client's secret is never stored.
CREATE TABLE payment_intent (
    id            uuid PRIMARY KEY,
    booking_id    uuid NOT NULL REFERENCES booking (id),
    attempt       integer NOT NULL CONSTRAINT payment_intent_attempt CHECK (attempt > 0),
    amount_pence  integer NOT NULL CONSTRAINT payment_intent_amount CHECK (amount_pence > 0),
    key           text NOT NULL CONSTRAINT payment_intent_key_is_unique UNIQUE,
    stripe_id     text CONSTRAINT payment_intent_of_stripe UNIQUE,
    -- superseded: replaced or not wanted any more, and to be cancelled at Stripe
    status        text NOT NULL CONSTRAINT payment_intent_status CHECK (status IN ('creating', 'open', 'failed', 'superseded', 'canceled', 'succeeded')),
    failed_charge text,                   -- the charge whose failure was told last
    created_at    timestamptz NOT NULL,
    next_at       timestamptz NOT NULL DEFAULT now(),  -- real time: when it is looked at again
    CONSTRAINT payment_intent_of_booking UNIQUE (booking_id, attempt),
    CONSTRAINT payment_intent_is_there CHECK (stripe_id IS NOT NULL OR status IN ('creating', 'superseded', 'canceled'))
);
CREATE UNIQUE INDEX payment_intent_live ON payment_intent (booking_id) WHERE status IN ('creating', 'open', 'failed');
CREATE INDEX payment_intent_unfinished ON payment_intent (next_at) WHERE status IN ('creating', 'open', 'failed', 'superseded');

ALTER TABLE payment DROP CONSTRAINT payment_method;
ALTER TABLE payment
    ADD CONSTRAINT payment_method CHECK (method IN ('cash', 'card', 'online')),
    ADD COLUMN intent_id       uuid CONSTRAINT payment_of_intent UNIQUE REFERENCES payment_intent (id),
    ADD COLUMN kept_pence      integer,
    ADD COLUMN refunding_pence integer NOT NULL DEFAULT 0,
    ADD COLUMN refunded_pence  integer NOT NULL DEFAULT 0,
    ADD COLUMN verified_by     text,       -- the second person, for money taken at the desk
    ADD COLUMN verified_at     timestamptz,
    ADD COLUMN dispute_id      text CONSTRAINT payment_dispute_is_unique UNIQUE,
    ADD COLUMN dispute_status  text,
    ADD COLUMN disputed_pence  integer;
UPDATE payment SET kept_pence = amount_pence;
ALTER TABLE payment
    ALTER COLUMN kept_pence SET NOT NULL,
    ADD CONSTRAINT payment_adds_up CHECK (amount_pence = kept_pence + refunding_pence + refunded_pence
        AND kept_pence >= 0 AND refunding_pence >= 0 AND refunded_pence >= 0),
    ADD CONSTRAINT payment_is_online CHECK ((method = 'online') = (intent_id IS NOT NULL)),
    ADD CONSTRAINT payment_verified CHECK ((verified_by IS NULL) = (verified_at IS NULL)),
    -- Four eyes: whoever took the money does not verify it.
    ADD CONSTRAINT payment_verified_by_another CHECK (verified_by <> taken_by),
    ADD CONSTRAINT payment_disputed CHECK ((dispute_id IS NULL) = (dispute_status IS NULL));
CREATE INDEX payment_unverified ON payment (at) WHERE method <> 'online' AND verified_at IS NULL;

-- Money on its way back. Its amount is set aside on the payment from the moment it is asked for.
CREATE TABLE refund (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL REFERENCES booking (id),
    payment_id   uuid NOT NULL REFERENCES payment (id),
    amount_pence integer NOT NULL CONSTRAINT refund_amount CHECK (amount_pence > 0),
    why          text NOT NULL CONSTRAINT refund_why CHECK (why IN ('cancelled', 'late', 'twice', 'goodwill', 'stripe')),
    status       text NOT NULL CONSTRAINT refund_status CHECK (status IN ('pending', 'succeeded', 'void')),
    key          text NOT NULL CONSTRAINT refund_key_is_unique UNIQUE,
    stripe_id    text CONSTRAINT refund_of_stripe UNIQUE,
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL,
    done_by      text,                     -- who gave it back at the desk; stripe
    done_at      timestamptz,
    attempts     integer NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL DEFAULT now(),   -- real time: when it is tried (again)
    problem      text,                     -- why the last try failed, in a word of Stripe's
    CONSTRAINT refund_done CHECK ((status = 'succeeded') = (done_at IS NOT NULL))
);
CREATE INDEX refund_of_payment ON refund (payment_id);
CREATE INDEX refund_of_booking ON refund (booking_id);
CREATE INDEX refund_pending ON refund (next_at) WHERE status = 'pending';

-- What Stripe told, by the id of its event: ids alone, never the event's body. Real time throughout.
CREATE TABLE stripe_inbox (
    event_id    text PRIMARY KEY,
    type        text NOT NULL,
    intent      text,                      -- the PaymentIntent that it is about
    dispute     text,
    received_at timestamptz NOT NULL DEFAULT now(),
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    done_at     timestamptz,
    outcome     text
);
CREATE INDEX stripe_inbox_waiting ON stripe_inbox (next_at) WHERE done_at IS NULL;
CREATE INDEX stripe_inbox_age ON stripe_inbox (received_at);

-- Rights. What an owner or a webhook may change of a booking's money they change by functions that
-- work it out from these rows (functions/count_money, ask_refund, confirm_paid).
GRANT SELECT ON payment_intent, refund TO app;
GRANT UPDATE (payment_failed) ON booking TO app;
GRANT INSERT, UPDATE (status, stripe_id) ON payment_intent TO app;
GRANT UPDATE (status, done_by, done_at) ON refund TO app;
GRANT UPDATE (refunding_pence, refunded_pence, verified_by, verified_at) ON payment TO app;
GRANT SELECT ON payment_intent, payment, refund, stripe_inbox, signing_key TO jobs;
GRANT INSERT, UPDATE (status, stripe_id, failed_charge, next_at) ON payment_intent TO jobs;
GRANT INSERT, UPDATE (kept_pence, refunding_pence, refunded_pence, dispute_id, dispute_status, disputed_pence) ON payment TO jobs;
GRANT INSERT, UPDATE (status, stripe_id, done_by, done_at, attempts, next_at, problem) ON refund TO jobs;
GRANT INSERT, DELETE, UPDATE (attempts, next_at, done_at, outcome) ON stripe_inbox TO jobs;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['payment_intent', 'refund'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true)', name);
    END LOOP;
END
$$;

-- payment_intent: begun by the booking's owner; ended by who takes the money at the desk.
CREATE POLICY seen ON payment_intent FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.id = booking_id) END);
CREATE POLICY begun_by_owner ON payment_intent FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('OWNER')) AND status = 'creating'
                AND EXISTS (SELECT FROM booking b WHERE b.id = booking_id AND b.status = 'pending'));
CREATE POLICY opened_by_owner ON payment_intent FOR UPDATE TO app
    USING ((SELECT acts_as('OWNER')) AND status IN ('creating', 'open', 'failed')
           AND EXISTS (SELECT FROM booking b WHERE b.id = booking_id))
    WITH CHECK ((SELECT acts_as('OWNER')) AND status IN ('open', 'failed', 'superseded'));
CREATE POLICY ended_by_manager ON payment_intent FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND status IN ('creating', 'open', 'failed'))
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND status = 'superseded');
CREATE POLICY kept_by_jobs ON payment_intent TO jobs USING ((SELECT acts_as('SYSTEM')));

-- refund: asked for by ask_refund alone; given back at the desk by a manager.
CREATE POLICY seen ON refund FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.id = booking_id) END);
CREATE POLICY given_by_manager ON refund FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND status = 'pending')
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND status = 'succeeded'
                AND done_by = 'staff:' || current_setting('app.uid', true));
CREATE POLICY kept_by_jobs ON refund TO jobs USING ((SELECT acts_as('SYSTEM')));

-- payment: of desk money a manager states that it was verified, or given back; what Stripe tells is
-- the jobs' to write, and of online payments alone.
CREATE POLICY verified_by_manager ON payment FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND method <> 'online')
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND method <> 'online');
CREATE POLICY seen_by_jobs ON payment FOR SELECT TO jobs USING ((SELECT acts_as('SYSTEM')));
CREATE POLICY arrived ON payment FOR INSERT TO jobs
    WITH CHECK ((SELECT acts_as('SYSTEM')) AND method = 'online' AND taken_by = 'stripe');
CREATE POLICY told_by_stripe ON payment FOR UPDATE TO jobs
    USING ((SELECT acts_as('SYSTEM')) AND method = 'online')
    WITH CHECK ((SELECT acts_as('SYSTEM')) AND method = 'online');
