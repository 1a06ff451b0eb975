-- A guest's own ticket: one person of a party, let in by a code that the booker handed out by a link. It
-- counts on the party's ticket too, so it gives nobody a place that the party has not. `name` is what
-- the booker called them, sealed with the key of the booking's person, and goes with that key.
CREATE TABLE guest_ticket (
    id             uuid PRIMARY KEY,
    booking_id     uuid NOT NULL REFERENCES booking (id),
    number         smallint NOT NULL CONSTRAINT guest_ticket_number CHECK (number BETWEEN 1 AND 60),
    generation     smallint NOT NULL DEFAULT 1
        CONSTRAINT guest_ticket_generation CHECK (generation BETWEEN 1 AND 255),
    status         text NOT NULL DEFAULT 'valid'
        CONSTRAINT guest_ticket_status CHECK (status IN ('valid', 'revoked')),
    name           bytea,
    admitted       smallint NOT NULL DEFAULT 0,
    gone           smallint NOT NULL DEFAULT 0,
    last_scan_at   timestamptz,
    last_scan_door text,
    CONSTRAINT guest_ticket_of_party UNIQUE (booking_id, number),
    CONSTRAINT guest_ticket_is_one CHECK (0 <= gone AND gone <= admitted AND admitted <= 1)
);

-- Who hands out and takes back does it by issue_guest_ticket and revoke_guest_ticket
-- (app/db/functions); the door counts.
GRANT SELECT ON guest_ticket TO app;
GRANT UPDATE (admitted, gone, last_scan_at, last_scan_door) ON guest_ticket TO app;
ALTER TABLE guest_ticket ENABLE ROW LEVEL SECURITY;
ALTER TABLE guest_ticket FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON guest_ticket TO CURRENT_USER USING (true);
CREATE POLICY seen ON guest_ticket FOR SELECT TO app
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF', 'DEVICE')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.id = booking_id) END);
CREATE POLICY counted_at_door ON guest_ticket FOR UPDATE TO app
    USING ((SELECT acts_as('DOOR_STAFF', 'DEVICE', 'MANAGER', 'SUPER_ADMIN')));

-- What the party's ticket loses, its guests' lose: another code or night, a party that is over, or
-- smaller. A trigger, so that no way of doing one of these can forget it.
CREATE FUNCTION end_guest_tickets() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE guest_ticket g SET status = 'revoked'
     WHERE g.booking_id = NEW.booking_id AND g.status = 'valid'
       AND (NEW.generation <> OLD.generation OR NEW.status <> 'valid' OR g.number > NEW.party);
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION end_guest_tickets() FROM PUBLIC;
CREATE TRIGGER ends_guest_tickets AFTER UPDATE OF generation, status, party ON ticket
    FOR EACH ROW
    WHEN (NEW.generation <> OLD.generation OR NEW.status <> OLD.status OR NEW.party < OLD.party)
    EXECUTE FUNCTION end_guest_tickets();
