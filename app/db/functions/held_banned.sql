-- What devices, or one lease, hold of parties that were banned since: no lease is granted on the
-- ticket of anybody who is banned. It runs as its owner, since a device sees no bans: it learns which
-- tickets to give back, and not why.
CREATE OR REPLACE FUNCTION held_banned(p_lease uuid) RETURNS TABLE (
    booking_id uuid, night date, door text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_held uuid[];
BEGIN
    SELECT coalesce(array_agg(DISTINCT s.booking_id), '{}') INTO v_held
      FROM lease_ticket s
     WHERE s.stated IS NULL AND NOT s.released AND (p_lease IS NULL OR s.lease_id = p_lease)
       AND acts_as('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN');
    IF v_held = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT DISTINCT s.booking_id, l.night, l.door
          FROM jsonb_object_keys(bans_of(v_held, venue_now())) AS banned
          JOIN lease_ticket s ON s.booking_id = banned::uuid
          JOIN lease l ON l.id = s.lease_id
         WHERE s.stated IS NULL AND NOT s.released AND (p_lease IS NULL OR l.id = p_lease);
END
$$;
REVOKE EXECUTE ON FUNCTION held_banned(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_banned(uuid) TO app;
