-- The waitlist: parties for which nothing was free. An offer is a hold like any other; the row says
-- whose it is. Functions are made again from functions/, where they stand; here for their grants.

CREATE TABLE waitlist (
    id               uuid PRIMARY KEY,
    night            date NOT NULL REFERENCES night (date),
    status           text NOT NULL DEFAULT 'waitlisted' CONSTRAINT waitlist_status
                         CHECK (status IN ('waitlisted', 'offered', 'accepted', 'left')),
    party            integer NOT NULL CONSTRAINT waitlist_party CHECK (party BETWEEN 1 AND 100),
    slot             tstzrange NOT NULL CONSTRAINT waitlist_slot CHECK (NOT isempty(slot)),
    floor            text,
    zone             text,
    features         text[] NOT NULL DEFAULT '{}',
    special_occasion boolean NOT NULL,
    person_id        uuid NOT NULL REFERENCES person (id),
    owner_hash       bytea NOT NULL,  -- SHA-256 of the customer's token; their offers have the same
    joined_from      text CONSTRAINT waitlist_joined_from CHECK (joined_from ~ '^[0-9a-f]{16}$'),
    joined_at        timestamptz NOT NULL,
    visits           integer NOT NULL CONSTRAINT waitlist_visits CHECK (visits >= 0),
    timing           integer NOT NULL CONSTRAINT waitlist_timing CHECK (timing BETWEEN 0 AND 200),
    priority         integer NOT NULL CONSTRAINT waitlist_priority CHECK (priority BETWEEN 0 AND 1000),
    by_hand          integer CONSTRAINT waitlist_by_hand CHECK (by_hand BETWEEN 0 AND 1000),
    offers_left      integer NOT NULL CONSTRAINT waitlist_offers CHECK (offers_left >= 0),
    booking_id       uuid REFERENCES booking (id),  -- the hold that it is, or was last, offered
    ended_why        text CONSTRAINT waitlist_ended_why
                         CHECK (ended_why IN ('accepted', 'guest', 'staff', 'unanswered', 'night_over')),
    CONSTRAINT waitlist_offer CHECK (status <> 'offered' OR booking_id IS NOT NULL),
    CONSTRAINT waitlist_ended CHECK ((ended_why IS NOT NULL) = (status IN ('accepted', 'left')))
);
CREATE INDEX waitlist_waiting ON waitlist (night) WHERE status = 'waitlisted';
CREATE INDEX waitlist_of_night ON waitlist (night) WHERE status IN ('waitlisted', 'offered');
CREATE UNIQUE INDEX waitlist_of_booking ON waitlist (booking_id) WHERE status = 'offered';
CREATE INDEX waitlist_person ON waitlist (person_id);
CREATE INDEX waitlist_owner ON waitlist (owner_hash);

REVOKE ALL ON waitlist FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE (status, by_hand, ended_why) ON waitlist TO app;
GRANT SELECT ON waitlist TO jobs;
ALTER TABLE waitlist ENABLE ROW LEVEL SECURITY;
ALTER TABLE waitlist FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON waitlist TO CURRENT_USER USING (true);
CREATE POLICY seen_by_staff ON waitlist FOR SELECT TO app
    USING ((SELECT acts_as('DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN')));
CREATE POLICY seen_by_owner ON waitlist FOR SELECT TO app
    USING ((SELECT acts_as('OWNER')) AND (owner_hash = (SELECT acting_owner())
                                          OR booking_id = (SELECT acting_booking())));
CREATE POLICY joined_by_anybody ON waitlist FOR INSERT TO app
    WITH CHECK (id = (SELECT acting_booking()) AND status = 'waitlisted' AND by_hand IS NULL
                AND booking_id IS NULL AND person_is_free(person_id)
                AND (SELECT acts_as('ANONYMOUS', 'OWNER', 'DEVICE', 'PENDING', 'DOOR_STAFF',
                                    'MANAGER', 'SUPER_ADMIN')));
CREATE POLICY changed_by_manager ON waitlist FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY ended_by_owner ON waitlist FOR UPDATE TO app
    USING ((SELECT acts_as('OWNER')) AND owner_hash = (SELECT acting_owner())
           AND status IN ('waitlisted', 'offered'))
    WITH CHECK ((SELECT acts_as('OWNER')) AND owner_hash = (SELECT acting_owner())
                AND status IN ('accepted', 'left'));
CREATE POLICY seen_by_time ON waitlist FOR SELECT TO jobs USING ((SELECT acts_as('SYSTEM')));

CREATE FUNCTION judge_waiting(p_night date, p_name bytea, p_phone bytea, p_email bytea, p_address text,
                              p_most integer) RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS 'SELECT 0';
REVOKE EXECUTE ON FUNCTION judge_waiting(date, bytea, bytea, bytea, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION judge_waiting(date, bytea, bytea, bytea, text, integer) TO app;

CREATE FUNCTION floor_taken(p_night date) RETURNS jsonb LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS 'SELECT NULL::jsonb';
REVOKE EXECUTE ON FUNCTION floor_taken(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION floor_taken(date) TO app, jobs;

CREATE FUNCTION offer_tables(p_entry uuid, p_booking uuid, p_reference text, p_tables integer[],
                             p_deposit integer, p_until timestamptz, p_now timestamptz,
                             p_refunds jsonb) RETURNS boolean LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS 'SELECT false';
REVOKE EXECUTE ON FUNCTION offer_tables(uuid, uuid, text, integer[], integer, timestamptz, timestamptz, jsonb)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offer_tables(uuid, uuid, text, integer[], integer, timestamptz, timestamptz, jsonb)
    TO jobs;

CREATE FUNCTION is_waiting(p_entry uuid, p_owner_hash bytea) RETURNS boolean LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS 'SELECT false';
REVOKE EXECUTE ON FUNCTION is_waiting(uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_waiting(uuid, bytea) TO app;

CREATE FUNCTION place_in_line(p_entry uuid) RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS 'SELECT 0';
REVOKE EXECUTE ON FUNCTION place_in_line(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION place_in_line(uuid) TO app;

-- However a hold ends that was an offer, the row of the waitlist follows in the same transaction.
CREATE FUNCTION offer_over() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS 'BEGIN RETURN NULL; END';
REVOKE EXECUTE ON FUNCTION offer_over() FROM PUBLIC;
CREATE TRIGGER offer_over AFTER UPDATE OF status ON booking FOR EACH ROW
    WHEN (OLD.status = 'pending' AND NEW.status <> 'pending') EXECUTE FUNCTION offer_over();

-- Whoever waits when the night is sealed waits no more.
CREATE FUNCTION waitlist_over() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS 'BEGIN RETURN NULL; END';
REVOKE EXECUTE ON FUNCTION waitlist_over() FROM PUBLIC;
CREATE TRIGGER waitlist_over AFTER UPDATE OF status ON night FOR EACH ROW
    WHEN (NEW.status = 'sealed') EXECUTE FUNCTION waitlist_over();
