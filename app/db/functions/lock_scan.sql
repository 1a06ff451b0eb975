-- The first half of a scan, sent in one message with BEGIN: what its code or reference leads to, told
-- in an INFO of its own, and then all that lock_floor tells of it. It runs as its caller, so the
-- policies say what may be seen: the scanner's own scans, the booking, and whose it is while its night
-- is open. Told: stored (this scan has its answer; then nothing is locked), booking_id, night,
-- tonight (the open night in progress, else the next open one) and held (who it is, sealed).
CREATE OR REPLACE FUNCTION lock_scan(
    p_uid text, p_role text, p_caller text, p_scan uuid,
    p_ticket uuid, p_reference text  -- what was read, a party's or a guest's ticket; NULL: nothing
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_set     text;
    v_stored  boolean;
    v_booking uuid;
    v_night   date;
    v_tonight date;
    v_held    text;
BEGIN
    v_set := set_config('app.uid', p_uid, true) || set_config('app.role', p_role, true)
          || set_config('app.caller', p_caller, true) || set_config('app.booking', '', true);
    SELECT EXISTS (SELECT FROM scan s WHERE s.scanner = p_caller AND s.scan_id = p_scan),
           (SELECT n.date FROM night n
             WHERE n.status = 'open' AND n.ends_at > c.now ORDER BY n.date LIMIT 1)
      INTO v_stored, v_tonight
      FROM (SELECT venue_now() AS now) AS c;
    IF NOT v_stored AND (p_ticket IS NOT NULL OR p_reference IS NOT NULL) THEN
        SELECT b.id, b.night,
               (SELECT json_build_object('person_id', p.id, 'sealed', encode(p.sealed, 'hex'),
                                         'wrapped', encode(k.wrapped, 'hex'))
                  FROM person p JOIN person_key k ON k.person_id = p.id WHERE p.id = b.person_id)
          INTO v_booking, v_night, v_held
          FROM booking b
         WHERE b.id = coalesce((SELECT t.booking_id FROM ticket t WHERE t.id = p_ticket),
                               (SELECT g.booking_id FROM guest_ticket g WHERE g.id = p_ticket))
            OR b.reference = p_reference;
    END IF;
    RAISE INFO '{"stored":%,"booking_id":%,"night":%,"tonight":%,"held":%}', to_json(v_stored),
        coalesce(to_json(v_booking), 'null'), coalesce(to_json(v_night), 'null'),
        coalesce(to_json(v_tonight), 'null'), coalesce(v_held, 'null');
    IF NOT v_stored THEN
        v_set := lock_floor(
            p_uid, p_role, 'scan', p_caller, NULL, NULL,
            coalesce(v_night, v_tonight, date '1970-01-01'), '{}',
            CASE WHEN v_booking IS NULL THEN '{}' ELSE ARRAY[v_booking] END,
            v_booking IS NOT NULL, true, NULL);
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION lock_scan FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_scan TO app;
