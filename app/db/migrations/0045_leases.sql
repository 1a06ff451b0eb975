-- Offline rights of devices, and what a person has to decide after a device was away.

-- A device's exclusive right to admit certain tickets while it has no connection. It ends only by
-- return; `counter` tells the device from a copy of it. Instants are real time: a lease lasts as long
-- as the tablet's own clock says, whatever the demo clock shows.
CREATE TABLE lease (
    id         uuid PRIMARY KEY,
    device_id  uuid NOT NULL REFERENCES device (id),
    night      date NOT NULL REFERENCES night (date),
    door       text NOT NULL,
    floor      text NOT NULL,
    status     text NOT NULL DEFAULT 'live'
        CONSTRAINT lease_status CHECK (status IN ('live', 'returned', 'voided', 'released')),
    counter    integer NOT NULL DEFAULT 1 CONSTRAINT lease_counter CHECK (counter > 0),
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    heard_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    ended_by   text,  -- the actor
    reason     text,  -- why a manager released it
    CONSTRAINT lease_ends_once CHECK ((status IN ('live', 'voided')) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX lease_of_a_device ON lease (device_id, night) WHERE status IN ('live', 'voided');
CREATE INDEX lease_of_night ON lease (night, floor);

-- What a lease holds of a ticket (app/domain/leases.py: a share).
CREATE TABLE lease_ticket (
    lease_id    uuid NOT NULL REFERENCES lease (id),
    ticket_id   uuid NOT NULL REFERENCES ticket (id),
    booking_id  uuid NOT NULL REFERENCES booking (id),
    places      integer NOT NULL CONSTRAINT lease_ticket_places CHECK (places > 0),
    admitted    integer NOT NULL DEFAULT 0 CONSTRAINT lease_ticket_admitted CHECK (admitted >= 0),
    stated      integer CONSTRAINT lease_ticket_stated CHECK (stated BETWEEN 0 AND places),
    recalled_at timestamptz,
    returned_at timestamptz,
    released    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (lease_id, ticket_id)
);
-- The last word on "exactly one party": no ticket is held by two leases.
CREATE UNIQUE INDEX lease_ticket_is_held_once ON lease_ticket (ticket_id)
    WHERE stated IS NULL AND NOT released;
CREATE INDEX lease_ticket_of_ticket ON lease_ticket (ticket_id);

-- What a person has to decide: never deleted, resolved once, with a reason.
CREATE TABLE task (
    id          uuid PRIMARY KEY,
    night       date NOT NULL REFERENCES night (date),
    kind        text NOT NULL CONSTRAINT task_kind CHECK (kind IN ('scan', 'lease')),
    why         text NOT NULL,
    at          timestamptz NOT NULL,  -- the venue's clock: of a scan, when the device says it was
    device_id   uuid REFERENCES device (id),
    door        text NOT NULL,
    floor       text NOT NULL,
    lease_id    uuid,
    scanner     text,
    scan_id     uuid,
    ticket_id   uuid,
    booking_id  uuid,
    people      integer NOT NULL DEFAULT 0 CONSTRAINT task_people CHECK (people >= 0),
    resolved_at timestamptz,
    resolved_by text,
    resolution  text CONSTRAINT task_resolution CHECK (resolution IN ('count', 'dismiss')),
    reason      text,
    CONSTRAINT task_is_resolved_whole CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX task_of_scan ON task (scanner, scan_id) WHERE scan_id IS NOT NULL;
CREATE INDEX task_waiting ON task (night, at) WHERE resolved_at IS NULL;

GRANT SELECT, INSERT ON lease, lease_ticket, task TO app;
GRANT UPDATE (status, counter, heard_at, ended_at, ended_by, reason) ON lease TO app;
GRANT UPDATE (admitted, stated, recalled_at, returned_at, released) ON lease_ticket TO app;
GRANT UPDATE (resolved_at, resolved_by, resolution, reason) ON task TO app;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['lease', 'lease_ticket', 'task']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true)', name);
    END LOOP;
END
$$;

-- lease, lease_ticket: a device has its own; staff see all; a manager may release them.
CREATE POLICY own ON lease TO app
    USING ((SELECT acts_as('DEVICE', 'DOOR_STAFF'))
           AND 'device:' || device_id = (SELECT acting_caller()));
CREATE POLICY seen_by_staff ON lease FOR SELECT TO app
    USING ((SELECT acts_as('DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN')));
CREATE POLICY changed_by_manager ON lease FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
CREATE POLICY own ON lease_ticket TO app
    USING ((SELECT acts_as('DEVICE', 'DOOR_STAFF'))
           AND EXISTS (SELECT FROM lease l WHERE l.id = lease_id
                          AND 'device:' || l.device_id = (SELECT acting_caller())));
CREATE POLICY seen_by_staff ON lease_ticket FOR SELECT TO app
    USING ((SELECT acts_as('DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN')));
CREATE POLICY changed_by_manager ON lease_ticket FOR UPDATE TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));

-- task: left by whoever scanned, decided by a manager.
CREATE POLICY left_by_door ON task FOR INSERT TO app
    WITH CHECK ((SELECT acts_as('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN'))
                AND resolved_at IS NULL);
CREATE POLICY decided_by_manager ON task TO app
    USING ((SELECT acts_as('MANAGER', 'SUPER_ADMIN')));
