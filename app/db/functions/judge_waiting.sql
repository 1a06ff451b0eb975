-- Refuses a place on a night's waitlist to whoever has one, known by telephone or e-mail address; to an
-- address with p_most of them (NULL: nobody counts); and beyond 200 for the night. Returns how often
-- the person was here: their completed bookings, by the name and one of the two others, so that
-- nobody learns by a neighbour's number how often that neighbour goes out.
CREATE OR REPLACE FUNCTION judge_waiting(
    p_night date, p_name bytea, p_phone bytea, p_email bytea, p_address text, p_most integer
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- One after the other for a night: joining is rare, and this ends what could race.
    PERFORM pg_advisory_xact_lock(hashtextextended('waitlist:' || p_night, 0));
    IF EXISTS (SELECT FROM waitlist w JOIN person p ON p.id = w.person_id
                WHERE w.night = p_night AND w.status IN ('waitlisted', 'offered')
                  AND (p.phone_index = p_phone OR p.email_index = p_email)) THEN
        RAISE EXCEPTION 'the customer waits already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_place_per_customer';
    END IF;
    IF (SELECT count(*) FROM waitlist w
         WHERE w.night = p_night AND w.status IN ('waitlisted', 'offered')
           AND w.joined_from = p_address) >= p_most THEN
        RAISE EXCEPTION 'the address has % places', p_most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'places_per_address';
    END IF;
    IF (SELECT count(*) FROM waitlist w
         WHERE w.night = p_night AND w.status IN ('waitlisted', 'offered')) >= 200 THEN
        RAISE EXCEPTION 'the waitlist is full'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'waitlist_has_room';
    END IF;
    RETURN (SELECT count(*) FROM booking b JOIN person p ON p.id = b.person_id
             WHERE b.status = 'completed' AND p.name_index = p_name
               AND (p.phone_index = p_phone OR p.email_index = p_email));
END
$$;
