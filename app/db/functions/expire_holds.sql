-- Unpaid holds past their time end, whoever's they are: it looks at the clock itself. Whose table
-- they blocked is not told. Returns how many of these ended.
CREATE OR REPLACE FUNCTION expire_holds(p_bookings uuid[]) RETURNS integer LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH ended AS (
        UPDATE booking SET status = 'expired', hold_expires_at = NULL
         WHERE id = ANY (p_bookings) AND status = 'pending' AND hold_expires_at <= venue_now()
        RETURNING id
    ), freed AS (
        UPDATE booking_table t SET live = false
          FROM ended WHERE t.booking_id = ended.id AND t.live
    )
    SELECT count(*)::integer FROM ended
$$;
