-- The booking's calendar has another address from here on; its generation, or NULL: it is not theirs who
-- act, or the generations are used up. As revoke_manage_links it runs as its owner and asks itself who
-- acts, because an owner may change nothing of the row of a booking that is confirmed.
CREATE OR REPLACE FUNCTION renew_booking_calendar(p_booking uuid) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE booking b SET calendar_generation = b.calendar_generation + 1
     WHERE b.id = p_booking AND b.calendar_generation < 65535
       AND (acts_as('MANAGER', 'SUPER_ADMIN')
            OR (acts_as('OWNER') AND (b.owner_hash = acting_owner() OR b.id = acting_booking())))
    RETURNING b.calendar_generation
$$;
REVOKE EXECUTE ON FUNCTION renew_booking_calendar(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION renew_booking_calendar(uuid) TO app;
