-- Calendar feeds: a signed address per booking, and per night and member of staff, never stored. As with
-- manage links each says a generation, and those of another generation count no more.

ALTER TABLE booking ADD COLUMN calendar_generation integer NOT NULL DEFAULT 1
    CONSTRAINT booking_calendar_generation CHECK (calendar_generation BETWEEN 1 AND 65535);

-- Whose feed of which night an address is: of one member of staff each, so that it ends with their rights
-- and is renewed without anybody else's. Nothing of a customer is here.
CREATE TABLE night_calendar (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    night      date NOT NULL REFERENCES night (date),
    staff_id   uuid NOT NULL REFERENCES staff (id),
    generation integer NOT NULL DEFAULT 1
        CONSTRAINT night_calendar_generation CHECK (generation BETWEEN 1 AND 65535),
    CONSTRAINT night_calendar_is_ones_own UNIQUE (night, staff_id)
);
GRANT SELECT, INSERT, UPDATE (generation) ON night_calendar TO app;
