-- A locked booking has its last status and claims nothing. It runs as its owner and asks who acts,
-- as the policies would (docs/decisions.md, F8): under them its two updates took 0.4 ms to begin.
CREATE OR REPLACE FUNCTION end_booking(p_booking uuid, p_status text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_role text := current_setting('app.role', true);
BEGIN
    UPDATE booking b SET status = p_status, hold_expires_at = NULL
     WHERE b.id = p_booking
       AND (v_role IN ('MANAGER', 'SUPER_ADMIN')
            OR v_role = 'DOOR_STAFF' AND b.status IN ('confirmed', 'seated')
               AND p_status = 'completed'
            OR v_role = 'OWNER' AND b.status IN ('pending', 'confirmed')
               AND p_status IN ('cancelled', 'released')
               AND (b.owner_hash = acting_owner() OR b.id = acting_booking())
            OR v_role = 'SYSTEM' AND b.status IN ('pending', 'confirmed', 'seated')
               AND p_status IN ('expired', 'no_show', 'completed'));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this booking is not theirs to end' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE booking_table SET live = false WHERE booking_id = p_booking AND live;
END
$$;
REVOKE EXECUTE ON FUNCTION end_booking FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_booking TO app, jobs;
