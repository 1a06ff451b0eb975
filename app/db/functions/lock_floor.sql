-- Sets the person, claims the idempotency key, locks in the one order (tables, bookings, tickets,
-- headcount; each ascending) and returns the facts (app/domain/facts.py) of the night given, or of
-- that of the first booking. A PL/pgSQL function takes a fresh snapshot for each of its statements, so
-- the facts are read after the locks are held; a single SQL statement would have read them before.
-- It runs as its owner, because it has to see the claims of others on the tables wanted; it tells of
-- them what a claim is (until when, how many, in which state) and no reference.
CREATE OR REPLACE FUNCTION lock_floor(
    p_uid text, p_role text, p_action text,        -- who acts, and what the book will say made it
    p_caller text, p_key text, p_body_hash bytea,  -- the idempotency key; NULL: none
    p_night date, p_tables integer[], p_bookings uuid[], p_people boolean,
    p_booking uuid DEFAULT NULL  -- of a manage link, or the one that a hold is about to make
) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_now      timestamptz;
    v_night    date;
    v_own      uuid[] := p_bookings;  -- of the bookings asked for, those that the caller may act on
    v_tables   integer[];
    v_bookings uuid[];
    v_answered jsonb;
    v_bans     jsonb;
BEGIN
    PERFORM set_config('app.uid', p_uid, true), set_config('app.role', p_role, true),
            set_config('app.action', p_action, true),
            set_config('app.caller', coalesce(p_caller, ''), true),
            set_config('app.booking', coalesce(p_booking::text, ''), true);
    IF p_key IS NOT NULL THEN
        -- Waits for a twin request that holds the key, and then finds its answer.
        INSERT INTO idempotency (caller, key, body_hash) VALUES (p_caller, p_key, p_body_hash)
            ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT jsonb_build_object('same', i.body_hash = p_body_hash, 'status', i.status,
                                      'answer', encode(i.answer, 'base64'))
              INTO v_answered FROM idempotency i WHERE i.caller = p_caller AND i.key = p_key;
            RETURN jsonb_build_object('answered', v_answered);
        END IF;
    END IF;

    -- This function sees every row, so it asks itself what the policies would say.
    IF NOT coalesce(acts_as('DEVICE', 'DOOR_STAFF', 'MANAGER', 'SUPER_ADMIN', 'SYSTEM'), false) THEN
        SELECT array_agg(b.id) INTO v_own FROM booking b
         WHERE b.id = ANY (p_bookings) AND acts_as('OWNER')
           AND (b.owner_hash = acting_owner() OR b.id = acting_booking());
    END IF;
    v_night := coalesce(p_night, (SELECT night FROM booking WHERE id = v_own[1]));

    -- A booking's tables are locked before the booking itself; they may have changed while this
    -- waited, and then the whole transaction starts over.
    SELECT array_agg(DISTINCT number ORDER BY number) INTO v_tables FROM (
        SELECT unnest(p_tables) AS number
        UNION SELECT t.number FROM booking_table t WHERE t.live AND t.booking_id = ANY (v_own)
    ) AS wanted;
    PERFORM FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)
        ORDER BY f.number FOR UPDATE;
    v_now := venue_now();

    -- Holds past their time end in the transaction that wants their table.
    SELECT array_agg(DISTINCT id ORDER BY id) INTO v_bookings FROM (
        SELECT unnest(v_own) AS id
        UNION
        SELECT b.id FROM booking b JOIN booking_table t ON t.booking_id = b.id
         WHERE t.live AND t.night = v_night AND t.number = ANY (v_tables)
           AND b.status = 'pending' AND b.hold_expires_at <= v_now
    ) AS wanted;
    PERFORM FROM booking b WHERE b.id = ANY (v_bookings) ORDER BY b.id FOR UPDATE;
    PERFORM FROM ticket k WHERE k.booking_id = ANY (v_own) ORDER BY k.id FOR UPDATE;
    IF p_people THEN
        PERFORM FROM headcount h WHERE h.night = v_night ORDER BY h.floor FOR UPDATE;
    END IF;
    IF EXISTS (SELECT FROM booking_table t
                WHERE t.live AND t.booking_id = ANY (v_own) AND t.number <> ALL (v_tables)) THEN
        RAISE EXCEPTION 'the booking moved meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
    IF p_action = 'scan' THEN
        v_bans := bans_of(v_own, v_now);
    END IF;

    RETURN jsonb_build_object(
        'now', instant_text(v_now),
        'night', (SELECT jsonb_build_object(
                'date', n.date, 'name', n.name, 'status', n.status,
                'doors_at', instant_text(n.doors_at), 'last_entry_at', instant_text(n.last_entry_at),
                'closes_at', instant_text(n.closes_at), 'ends_at', instant_text(n.ends_at),
                'house_limit', n.house_limit, 'edition', n.edition)
            FROM night n WHERE n.date = v_night),
        'tables', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'number', f.number, 'floor', f.floor, 'capacity_min', f.capacity_min,
                'capacity_max', f.capacity_max, 'capacity_optimal', f.capacity_optimal,
                'deposit_pence', f.deposit_pence, 'minimum_spend_pence', f.minimum_spend_pence,
                'resetting', f.resetting,
                'claims', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                            'booking_id', b.id, 'status', b.status, 'party', b.party,
                            'slot_from', instant_text(lower(t.slot)),
                            'slot_until', instant_text(upper(t.slot)),
                            'hold_expires_at', instant_text(b.hold_expires_at))
                        ORDER BY t.slot, b.id), '[]')
                    FROM booking_table t JOIN booking b ON b.id = t.booking_id
                   WHERE t.live AND t.night = f.night AND t.number = f.number),
                'blocks', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                            'id', k.id, 'blocked_from', instant_text(lower(k.slot)),
                            'blocked_until', instant_text(upper(k.slot)), 'reason', k.reason,
                            'in_force', k.in_force) ORDER BY lower(k.slot), k.id), '[]')
                    FROM table_block k
                   WHERE NOT k.lifted AND k.night = f.night AND k.number = f.number))
                ORDER BY f.number), '[]')
            FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)),
        'bookings', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', b.id,
                'reference', CASE WHEN b.id = ANY (v_own) THEN b.reference ELSE '' END, 'night', b.night, 'status', b.status,
                'party', b.party, 'slot_from', instant_text(lower(b.slot)),
                'slot_until', instant_text(upper(b.slot)), 'source', b.source,
                'deposit_pence', b.deposit_pence,
                'paid_pence', b.paid_pence, 'hold_expires_at', instant_text(b.hold_expires_at),
                'extended', b.extended,
                'ban', v_bans ->> b.id::text,
                'tables', (SELECT coalesce(jsonb_agg(t.number ORDER BY t.number), '[]')
                    FROM booking_table t
                   WHERE t.booking_id = b.id
                     AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))),
                'ticket', (SELECT jsonb_build_object(
                        'id', k.id, 'generation', k.generation, 'status', k.status,
                        'party', k.party, 'admitted', k.admitted, 'gone', k.gone,
                        'last_scan_at', instant_text(k.last_scan_at),
                        'last_scan_door', k.last_scan_door, 'last_scan_by', k.last_scan_by,
                        'extra', k.extra)
                    FROM ticket k WHERE k.booking_id = b.id)) ORDER BY b.id), '[]')
            FROM booking b WHERE b.id = ANY (v_bookings)),
        'headcount', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'floor', h.floor, 'people', h.people, 'people_limit', h.people_limit)
                ORDER BY h.floor), '[]')
            FROM headcount h WHERE p_people AND h.night = v_night));
END
$$;
