-- Changes of bookings: how often one was changed, its guest's wishes, and what else a change leaves.

ALTER TABLE booking
    ADD COLUMN edition integer NOT NULL DEFAULT 0  -- counts the changes; who changes names the one they saw
        CONSTRAINT booking_edition CHECK (edition >= 0),
    ADD COLUMN wishes bytea,                       -- requests, occasion, notes: sealed with the person's key
    ADD COLUMN overdue boolean NOT NULL DEFAULT false,  -- the grace is over and nobody came
    ADD COLUMN series uuid;                        -- of a booking that recurs
ALTER TABLE booking DROP CONSTRAINT booking_status;
ALTER TABLE booking ADD CONSTRAINT booking_status CHECK (status IN (
    'pending', 'confirmed', 'seated', 'completed', 'cancelled', 'no_show', 'expired', 'released',
    'merged'));
CREATE INDEX booking_series ON booking (series) WHERE series IS NOT NULL;

-- People inside whom no scan of this ticket counted: a walk-in's, or another ticket's whose party was
-- split or joined; negative: whom another ticket has now. Scans are never rewritten.
ALTER TABLE ticket ADD COLUMN unscanned integer NOT NULL DEFAULT 0;
UPDATE ticket k SET unscanned = b.party
  FROM booking b WHERE b.id = k.booking_id AND b.source = 'walk_in';

-- The desk books for regulars, several nights at once: the bookings' ids are not one.
CREATE POLICY booked_by_manager ON booking FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')) AND source = 'desk'
                AND status = 'pending' AND paid_pence = 0
                AND (person_id IS NULL OR person_is_free(person_id)));
GRANT UPDATE (overdue) ON booking TO jobs;
DROP POLICY ended_by_time ON booking;
CREATE POLICY ended_by_time ON booking FOR UPDATE TO jobs
    USING ((SELECT acts_as('SYSTEM')) AND status IN ('pending', 'confirmed', 'seated'))
    WITH CHECK ((SELECT acts_as('SYSTEM'))
                AND (status IN ('expired', 'no_show', 'completed') OR (status = 'confirmed' AND overdue)));

-- The bodies of these stand in app/db/functions and are made again when their text changes.
CREATE FUNCTION lock_tables(p_bookings uuid[], p_nights date[], p_numbers integer[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS 'SELECT';
REVOKE EXECUTE ON FUNCTION lock_tables(uuid[], date[], integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_tables(uuid[], date[], integer[]) TO app, jobs;
CREATE FUNCTION change_bookings(p jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS 'SELECT';
REVOKE EXECUTE ON FUNCTION change_bookings(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_bookings(jsonb) TO app;
CREATE FUNCTION split_booking(p jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS 'SELECT';
REVOKE EXECUTE ON FUNCTION split_booking(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION split_booking(jsonb) TO app;
