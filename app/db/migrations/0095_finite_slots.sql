-- A slot has two ends, both of a date that people write, and is half open: a range without an end,
-- with one at infinity, or of year 20000 has no text in an answer or an event, so that whoever read
-- the row would fail on it. The same of a booking's instants. The service writes none; this is for SQL
-- by hand. What a row that is there already meant nobody can know, so the migration names it and stops.

CREATE FUNCTION is_slot(slot tstzrange) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN NOT isempty(slot) AND lower_inc(slot) AND NOT upper_inc(slot)
   AND slot <@ tstzrange('2000-01-01 00:00:00+00', '9999-12-31 00:00:00+00');

CREATE FUNCTION is_instant(at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN at >= '2000-01-01 00:00:00+00' AND at < '9999-12-31 00:00:00+00';

DO $$
DECLARE
    v_count integer;
    v_named text;
BEGIN
    SELECT count(*), string_agg(found.named, E'\n  ') FILTER (WHERE found.place <= 20)
      INTO v_count, v_named
      FROM (SELECT bad.named, row_number() OVER (ORDER BY bad.named) AS place
              FROM (SELECT format('booking %s: slot %s', id, slot) AS named
                      FROM booking WHERE NOT is_slot(slot)
                    UNION ALL
                    SELECT format('booking %s: hold_expires_at %s, created_at %s', id,
                                  hold_expires_at, created_at)
                      FROM booking
                     WHERE NOT is_instant(created_at)
                        OR NOT coalesce(is_instant(hold_expires_at), true)
                    UNION ALL
                    SELECT format('booking_table %s, table %s: slot %s', booking_id, number, slot)
                      FROM booking_table WHERE NOT is_slot(slot)
                    UNION ALL
                    SELECT format('table_block %s: slot %s', id, slot)
                      FROM table_block WHERE NOT is_slot(slot)
                    UNION ALL
                    SELECT format('waitlist %s: slot %s', id, slot)
                      FROM waitlist WHERE NOT is_slot(slot)) AS bad) AS found;
    IF v_count > 0 THEN
        RAISE EXCEPTION E'% rows have a slot or an instant that cannot be read:\n  %\n%', v_count,
              v_named,
              'Give each its real one, e.g. UPDATE booking SET slot = tstzrange(''2026-11-21 '
              '22:00+00'', ''2026-11-22 05:00+00'') WHERE id = ..., a booking''s claims the same, '
              'then migrate again. The book of the night says what it was: docs/operations.md.';
    END IF;
END
$$;

ALTER TABLE booking
    DROP CONSTRAINT booking_slot,
    ADD CONSTRAINT booking_slot CHECK (is_slot(slot)),
    ADD CONSTRAINT booking_created_at CHECK (is_instant(created_at)),
    ADD CONSTRAINT booking_hold_expires_at CHECK (is_instant(hold_expires_at));
ALTER TABLE booking_table
    DROP CONSTRAINT booking_table_slot,
    ADD CONSTRAINT booking_table_slot CHECK (is_slot(slot));
ALTER TABLE table_block
    DROP CONSTRAINT table_block_slot,
    ADD CONSTRAINT table_block_slot CHECK (is_slot(slot));
ALTER TABLE waitlist
    DROP CONSTRAINT waitlist_slot,
    ADD CONSTRAINT waitlist_slot CHECK (is_slot(slot));
