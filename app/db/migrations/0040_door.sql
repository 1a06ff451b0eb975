-- The door: who scanned last, and people beyond the party whom a supervisor let in. `extra` alone
-- lifts what the ticket admits, and only an override in the book raises it.
ALTER TABLE ticket
    ADD COLUMN last_scan_by text,  -- the actor: device:<id> or staff:<id>
    ADD COLUMN extra integer NOT NULL DEFAULT 0
        CONSTRAINT ticket_extra CHECK (extra BETWEEN 0 AND 60);
ALTER TABLE ticket DROP CONSTRAINT ticket_admits_its_party;
ALTER TABLE ticket ADD CONSTRAINT ticket_admits_its_party
    CHECK (0 <= gone AND gone <= admitted AND admitted <= party + extra);
GRANT UPDATE (last_scan_by, extra) ON ticket TO app;
