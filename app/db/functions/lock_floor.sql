-- The first half of an action, sent in one message with BEGIN: sets the person, claims the
-- idempotency key, locks in the one order (tables, bookings, tickets, headcount; each ascending) and
-- tells the facts (app/domain/facts.py) of the night given, or of that of the first booking. asyncpg
-- hands on no row of such a message, so they are told in an INFO, which every client is sent.
--
-- A PL/pgSQL function takes a fresh snapshot for each of its statements, so what is read after the
-- locks is true as long as they are held; a single SQL statement would have read it before. A statement
-- costs 20 to 50 us before it does anything: so what nobody asked for is not looked up, and what can be read
-- by one is.
--
-- It runs as its owner, because it has to see the claims of others on the tables wanted; it tells of
-- them what a claim is (until when, how many, in which state) and no reference.
CREATE OR REPLACE FUNCTION lock_floor(
    p_uid text, p_role text, p_action text,        -- who acts, and what the book will say made it
    p_caller text, p_key text, p_body_hash bytea,  -- the idempotency key; NULL: none
    p_night date, p_tables integer[], p_bookings uuid[], p_people boolean,
    p_claims boolean,  -- whether the facts of the tables are wanted
    p_booking uuid     -- of a manage link, or the one that a hold is about to make; NULL: neither
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_set         text;
    v_now         timestamptz;
    v_night       date := p_night;
    v_owner       bytea;
    v_own         uuid[] := '{}';  -- of the bookings asked for, those that the caller may act on
    v_tables      integer[] := p_tables;
    v_over        uuid[] := '{}';  -- holds past their time on the tables wanted
    v_bookings    uuid[];
    v_ticketed    boolean;
    v_shares      json;  -- of their tickets, those that leases hold
    v_moved       boolean;
    v_bans        jsonb;
    v_of_night    text;
    v_of_tables   text := '[]';
    v_of_bookings text := '[]';
    v_of_people   text := '[]';
BEGIN
    -- An assignment of an expression is no statement of its own, a PERFORM would be.
    v_set := set_config('app.uid', p_uid, true) || set_config('app.role', p_role, true)
          || set_config('app.action', p_action, true)
          || set_config('app.caller', coalesce(p_caller, ''), true)
          || set_config('app.booking', coalesce(p_booking::text, ''), true);
    IF p_key IS NOT NULL THEN
        -- Waits for a twin request that holds the key, and then finds its answer.
        INSERT INTO idempotency (caller, key, body_hash) VALUES (p_caller, p_key, p_body_hash)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RAISE INFO '{"answered":%}', (
                SELECT json_build_object('same', i.body_hash = p_body_hash, 'status', i.status,
                                         'answer', encode(i.answer, 'base64'))
                  FROM idempotency i WHERE i.caller = p_caller AND i.key = p_key);
            RETURN;
        END IF;
    END IF;

    -- A booking's tables are locked before the booking itself; they may have changed while this
    -- waited, and then the whole transaction starts over. This function sees every row, so it asks
    -- itself what the policies would say.
    IF p_bookings <> '{}' THEN
        IF p_role = 'OWNER' THEN
            v_owner := acting_owner();
        END IF;
        SELECT coalesce(array_agg(DISTINCT b.id ORDER BY b.id), '{}'),
               coalesce(p_night, (array_agg(b.night ORDER BY b.id))[1]),
               ARRAY(SELECT DISTINCT number FROM unnest(p_tables || array_agg(t.number)) AS number
                      WHERE number IS NOT NULL ORDER BY number)
          INTO v_own, v_night, v_tables
          FROM booking b LEFT JOIN booking_table t ON t.live AND t.booking_id = b.id
         WHERE b.id = ANY (p_bookings)
           AND (p_role IN ('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN', 'SYSTEM')
                OR p_role = 'OWNER' AND (b.owner_hash = v_owner OR b.id = p_booking));
    END IF;
    IF v_tables <> '{}' THEN
        PERFORM FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)
            ORDER BY f.number FOR UPDATE;
    END IF;

    -- The clock, the night, and of the tables wanted the holds past their time: these end in the
    -- transaction that wants their table. A night is edited under the locks of all its tables, so
    -- what is read of it under one of them stands. The clock is read here and not by venue_now(),
    -- whose call is a statement more; OFFSET 0 has it read once.
    SELECT c.now,
           (SELECT night_facts(n) FROM night n WHERE n.date = v_night),
           CASE WHEN p_tables <> '{}' THEN ARRAY(
                SELECT b.id FROM booking_table t JOIN booking b ON b.id = t.booking_id
                 WHERE t.live AND t.night = v_night AND t.number = ANY (v_tables)
                   AND b.status = 'pending' AND b.hold_expires_at <= c.now) ELSE '{}' END
      INTO v_now, v_of_night, v_over
      FROM (SELECT CASE WHEN k.speed = 1 AND k.real_at = k.shown_at THEN clock_timestamp()
                        ELSE k.shown_at + (clock_timestamp() - k.real_at) * k.speed END AS now
              FROM clock k OFFSET 0) AS c;
    v_bookings := v_own || v_over;
    IF v_bookings <> '{}' THEN
        SELECT bool_or(held.status <> 'pending') INTO v_ticketed
          FROM (SELECT b.status FROM booking b WHERE b.id = ANY (v_bookings)
                 ORDER BY b.id FOR UPDATE) AS held;
    END IF;
    IF v_ticketed AND v_own <> '{}' THEN  -- a booking that is only held has no ticket yet
        PERFORM FROM ticket k WHERE k.booking_id = ANY (v_own) ORDER BY k.id FOR UPDATE;
        SELECT json_object_agg(s.ticket_id, s.shares) INTO v_shares
          FROM (SELECT s.ticket_id, json_agg(json_build_object(
                        'lease_id', l.id, 'device_id', l.device_id, 'door', l.door,
                        'floor', l.floor, 'places', s.places, 'admitted', s.admitted,
                        'stated', s.stated, 'recalled', s.recalled_at IS NOT NULL,
                        'silent_seconds',
                        extract(epoch FROM clock_timestamp() - l.heard_at)::integer)
                        ORDER BY l.granted_at, l.id) AS shares
                  FROM ticket k JOIN lease_ticket s ON s.ticket_id = k.id
                  JOIN lease l ON l.id = s.lease_id
                 WHERE k.booking_id = ANY (v_own) AND NOT s.released
                   AND (s.stated IS NULL OR s.stated > s.admitted)
                 GROUP BY s.ticket_id) AS s;
    END IF;
    IF p_people THEN
        SELECT coalesce(json_agg(json_build_object(
                   'floor', floor, 'people', people, 'people_limit', people_limit)), '[]')
          INTO v_of_people
          FROM (SELECT h.floor, h.people, h.people_limit FROM headcount h
                 WHERE h.night = v_night ORDER BY h.floor FOR UPDATE) AS counted;
        -- Read after the lock is held: the statement above may have waited for it.
        IF EXISTS (SELECT FROM lease l WHERE l.night = v_night) THEN
            SELECT json_agg(json_build_object(
                       'floor', h.floor, 'people', h.people, 'people_limit', h.people_limit,
                       'reserved', (SELECT coalesce(sum(greatest(
                               0, coalesce(s.stated, s.places) - s.admitted)), 0)
                           FROM lease l JOIN lease_ticket s ON s.lease_id = l.id
                          WHERE l.night = v_night AND l.floor = h.floor AND NOT s.released))
                       ORDER BY h.floor)
              INTO v_of_people FROM headcount h WHERE h.night = v_night;
        END IF;
        IF v_tables = '{}' THEN  -- then the headcount is the first lock that an edit waits for
            v_of_night := (SELECT night_facts(n) FROM night n WHERE n.date = v_night);
        END IF;
    END IF;

    IF v_bookings <> '{}' THEN
        IF p_action IN ('scan', 'override_scan', 'take_lease') THEN
            v_bans := bans_of(v_own, v_now);
        END IF;
        SELECT coalesce(json_agg(json_build_object(
                'id', b.id,
                'reference', CASE WHEN b.id = ANY (v_own) THEN b.reference ELSE '' END,
                'night', b.night, 'status', b.status,
                'party', b.party, 'slot_from', instant_text(lower(b.slot)),
                'slot_until', instant_text(upper(b.slot)), 'source', b.source,
                'deposit_pence', b.deposit_pence,
                'paid_pence', b.paid_pence, 'hold_expires_at', instant_text(b.hold_expires_at),
                'extended', b.extended, 'edition', b.edition,
                'refund_policy', b.refund_policy, 'disputed', b.disputed,
                'ban', v_bans ->> b.id::text,
                'offer', CASE WHEN b.status = 'pending' THEN (SELECT json_build_object(
                        'entry_id', w.id, 'person_id', w.person_id)
                    FROM waitlist w WHERE w.booking_id = b.id AND w.status = 'offered') END,
                'tables', ARRAY(SELECT t.number FROM booking_table t
                    WHERE t.booking_id = b.id
                      AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))
                    ORDER BY t.number),
                'ticket', (SELECT json_build_object(
                        'id', k.id, 'generation', k.generation, 'status', k.status,
                        'party', k.party, 'admitted', k.admitted, 'gone', k.gone,
                        'last_scan_at', instant_text(k.last_scan_at),
                        'last_scan_door', k.last_scan_door, 'last_scan_by', k.last_scan_by,
                        'extra', k.extra,
                        'shares', coalesce(v_shares -> k.id::text, '[]'))
                    FROM ticket k WHERE k.booking_id = b.id),
                'guests', (SELECT coalesce(json_agg(json_build_object(
                        'id', g.id, 'number', g.number, 'generation', g.generation,
                        'status', g.status, 'admitted', g.admitted, 'gone', g.gone,
                        'last_scan_at', instant_text(g.last_scan_at),
                        'last_scan_door', g.last_scan_door) ORDER BY g.number), '[]')
                    FROM guest_ticket g WHERE g.booking_id = b.id AND b.id = ANY (v_own))
                ) ORDER BY b.id), '[]'),
               bool_or(b.id = ANY (v_own) AND EXISTS (
                    SELECT FROM booking_table t
                     WHERE t.live AND t.booking_id = b.id
                       AND (t.number <> ALL (v_tables)
                            OR (t.night <> v_night AND (p_night IS NOT NULL OR b.id = v_own[1])))))
          INTO v_of_bookings, v_moved
          FROM booking b WHERE b.id = ANY (v_bookings);
        IF v_moved THEN
            RAISE EXCEPTION 'the booking moved meanwhile' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    IF p_claims AND v_tables <> '{}' THEN
        SELECT coalesce(json_agg(json_build_object(
                'number', f.number, 'floor', f.floor, 'capacity_min', f.capacity_min,
                'capacity_max', f.capacity_max, 'capacity_optimal', f.capacity_optimal,
                'deposit_pence', f.deposit_pence, 'minimum_spend_pence', f.minimum_spend_pence,
                'resetting', f.resetting,
                'claims', (SELECT coalesce(json_agg(json_build_object(
                            'booking_id', b.id, 'status', b.status, 'party', b.party,
                            'slot_from', instant_text(lower(t.slot)),
                            'slot_until', instant_text(upper(t.slot)),
                            'hold_expires_at', instant_text(b.hold_expires_at))
                        ORDER BY t.slot, b.id), '[]')
                    FROM booking_table t JOIN booking b ON b.id = t.booking_id
                   WHERE t.live AND t.night = f.night AND t.number = f.number),
                'blocks', (SELECT coalesce(json_agg(json_build_object(
                            'id', k.id, 'blocked_from', instant_text(lower(k.slot)),
                            'blocked_until', instant_text(upper(k.slot)), 'reason', k.reason,
                            'in_force', k.in_force) ORDER BY lower(k.slot), k.id), '[]')
                    FROM table_block k
                   WHERE NOT k.lifted AND k.night = f.night AND k.number = f.number))
                ORDER BY f.number), '[]')
          INTO v_of_tables
          FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables);
    END IF;

    RAISE INFO '{"now":"%","night":%,"tables":%,"bookings":%,"headcount":%}',
        instant_text(v_now), coalesce(v_of_night, 'null'), v_of_tables, v_of_bookings, v_of_people;
END
$$;
REVOKE EXECUTE ON FUNCTION lock_floor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_floor TO app, jobs;
