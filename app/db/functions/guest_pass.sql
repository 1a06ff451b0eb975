-- What a guest's own page shows, to the guest whose link it is (the acting GUEST) and to nobody else: their
-- number, their party's night, tables and size, and what their code is minted from. Nothing of the
-- booker but the key under which the guest's own name is sealed.
CREATE OR REPLACE FUNCTION guest_pass() RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object(
        'guest_id', g.id, 'booking_id', b.id, 'number', g.number, 'generation', g.generation,
        'status', g.status,
        'admitted', g.admitted, 'gone', g.gone, 'name', encode(g.name, 'hex'),
        'person_id', b.person_id, 'wrapped', encode(w.wrapped, 'hex'),
        'booking_status', b.status, 'party', b.party, 'night', b.night, 'night_name', n.name,
        'slot_from', instant_text(lower(b.slot)), 'doors_at', instant_text(n.doors_at),
        'last_entry_at', instant_text(n.last_entry_at),
        'tables', ARRAY(SELECT t.number FROM booking_table t
                         WHERE t.booking_id = b.id
                           AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))
                         ORDER BY t.number),
        'key_id', s.key_id, 'private', encode(s.private, 'hex'))
      FROM guest_ticket g
      JOIN booking b ON b.id = g.booking_id
      JOIN night n ON n.date = b.night
      JOIN signing_key s ON s.night = b.night
      LEFT JOIN person_key w ON w.person_id = b.person_id
     WHERE acts_as('GUEST') AND g.id::text = current_setting('app.uid', true)
$$;
REVOKE EXECUTE ON FUNCTION guest_pass() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION guest_pass() TO app;
