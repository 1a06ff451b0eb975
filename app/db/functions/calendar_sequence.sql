-- The next number of a booking's entry in calendars: how many messages carried the entry before. A
-- message about a series carries the entries of all the bookings it names, under one number; it is then
-- the highest of theirs, since a number that goes up too far is taken and one that does not is not. It
-- runs as who calls it: enqueue_messages.
CREATE OR REPLACE FUNCTION calendar_sequence(p_booking uuid, p_bookings jsonb) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT max((SELECT count(DISTINCT o.cause) FROM outbox o
                 WHERE o.booking_id = b.id AND o.sequence IS NOT NULL)
               + (SELECT count(DISTINCT o.cause) FROM booking s JOIN outbox o ON o.booking_id = s.id
                   WHERE s.series = b.series AND s.id <> b.id AND o.sequence IS NOT NULL
                     AND o.details -> 'bookings' ? b.id::text))
      FROM booking b
     WHERE b.id IN (SELECT p_booking
                    UNION SELECT t.id::uuid FROM jsonb_array_elements_text(p_bookings) AS t (id))
$$;
REVOKE EXECUTE ON FUNCTION calendar_sequence(uuid, jsonb) FROM PUBLIC;
