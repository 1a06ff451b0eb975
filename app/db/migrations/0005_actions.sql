-- The two halves of every action. lock_floor sets the person, claims the idempotency key, locks in
-- the one order (tables, bookings, tickets, headcount; each ascending) and returns the facts of
-- the night given, or that of the first booking;
-- Python judges; finish_action writes the events, last, and keeps the answer.
-- A PL/pgSQL function takes a fresh snapshot for each of its statements, so that the facts are
-- read after the locks are held; a single SQL statement would have read them before.

CREATE FUNCTION lock_floor(
    p_uid text, p_role text, p_action text,        -- who acts, and what the book will say made it
    p_caller text, p_key text, p_body_hash bytea,  -- the idempotency key; NULL: none
    p_night date, p_tables integer[], p_bookings uuid[], p_people boolean
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_now      timestamptz;
    v_night    date := coalesce(p_night, (SELECT night FROM booking WHERE id = p_bookings[1]));
    v_tables   integer[];
    v_bookings uuid[];
    v_answered jsonb;
BEGIN
    PERFORM set_config('app.uid', p_uid, true), set_config('app.role', p_role, true),
            set_config('app.action', p_action, true);
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

    -- A booking's tables are locked before the booking itself; they may have changed while this
    -- waited, and then the whole transaction starts over.
    SELECT array_agg(DISTINCT number ORDER BY number) INTO v_tables FROM (
        SELECT unnest(p_tables) AS number
        UNION SELECT t.number FROM booking_table t WHERE t.live AND t.booking_id = ANY (p_bookings)
    ) AS wanted;
    PERFORM FROM floor_table f WHERE f.night = v_night AND f.number = ANY (v_tables)
        ORDER BY f.number FOR UPDATE;
    v_now := venue_now();

    -- Holds past their time end in the transaction that wants their table.
    SELECT array_agg(DISTINCT id ORDER BY id) INTO v_bookings FROM (
        SELECT unnest(p_bookings) AS id
        UNION
        SELECT b.id FROM booking b JOIN booking_table t ON t.booking_id = b.id
         WHERE t.live AND t.night = v_night AND t.number = ANY (v_tables)
           AND b.status = 'pending' AND b.hold_expires_at <= v_now
    ) AS wanted;
    PERFORM FROM booking b WHERE b.id = ANY (v_bookings) ORDER BY b.id FOR UPDATE;
    PERFORM FROM ticket k WHERE k.booking_id = ANY (p_bookings) ORDER BY k.id FOR UPDATE;
    IF p_people THEN
        PERFORM FROM headcount h WHERE h.night = v_night ORDER BY h.floor FOR UPDATE;
    END IF;
    IF EXISTS (SELECT FROM booking_table t
                WHERE t.live AND t.booking_id = ANY (p_bookings) AND t.number <> ALL (v_tables)) THEN
        RAISE EXCEPTION 'the booking moved meanwhile' USING ERRCODE = 'serialization_failure';
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
                'id', b.id, 'reference', b.reference, 'night', b.night, 'status', b.status,
                'party', b.party, 'slot_from', instant_text(lower(b.slot)),
                'slot_until', instant_text(upper(b.slot)), 'source', b.source,
                'owner_hash', encode(b.owner_hash, 'hex'), 'deposit_pence', b.deposit_pence,
                'paid_pence', b.paid_pence, 'hold_expires_at', instant_text(b.hold_expires_at),
                'extended', b.extended,
                'tables', (SELECT coalesce(jsonb_agg(t.number ORDER BY t.number), '[]')
                    FROM booking_table t
                   WHERE t.booking_id = b.id
                     AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))),
                'ticket', (SELECT jsonb_build_object(
                        'id', k.id, 'generation', k.generation, 'status', k.status,
                        'party', k.party, 'admitted', k.admitted, 'gone', k.gone,
                        'last_scan_at', instant_text(k.last_scan_at),
                        'last_scan_door', k.last_scan_door)
                    FROM ticket k WHERE k.booking_id = b.id)) ORDER BY b.id), '[]')
            FROM booking b WHERE b.id = ANY (v_bookings)),
        'headcount', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'floor', h.floor, 'people', h.people, 'people_limit', h.people_limit)
                ORDER BY h.floor), '[]')
            FROM headcount h WHERE p_people AND h.night = v_night));
END
$$;

-- Holds the book until the commit, for an action that must know all its lines before its own.
CREATE FUNCTION lock_book(p_book text) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = public AS $$
    SELECT FROM book WHERE name = p_book FOR UPDATE
$$;

-- Writes the events in the order given, and keeps the answer (under the idempotency key, or as a
-- scan's verdict) with the last event's version in place of its "version":-1. The version is left
-- in the session's app.version. p: book, events [[type, subject, payload] ...], actor, correlation;
-- caller, key, status, answer; or scanner, scan_id, answer.
CREATE FUNCTION finish_action(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
    v_answer  bytea;
BEGIN
    WITH written AS (
        INSERT INTO event (book, type, subject, payload, actor, correlation_id)
        SELECT p ->> 'book', line ->> 0, line ->> 1, line -> 2, p ->> 'actor', p ->> 'correlation'
          FROM jsonb_array_elements(p -> 'events') WITH ORDINALITY AS e (line, number)
         ORDER BY number
        RETURNING version
    ) SELECT max(version) INTO v_version FROM written;
    IF v_version IS NULL THEN
        SELECT version INTO v_version FROM book WHERE name = p ->> 'book';
    END IF;
    PERFORM set_config('app.version', coalesce(v_version, 0)::text, false);
    v_answer := convert_to(
        replace(p ->> 'answer', '"version":-1', '"version":' || coalesce(v_version, 0)), 'UTF8');
    IF p ? 'scan_id' THEN
        UPDATE scan SET answer = v_answer
         WHERE scanner = p ->> 'scanner' AND scan_id = (p ->> 'scan_id')::uuid;
    ELSIF p ->> 'key' IS NOT NULL THEN
        UPDATE idempotency SET status = (p ->> 'status')::smallint, answer = v_answer
         WHERE caller = p ->> 'caller' AND key = p ->> 'key';
    END IF;
END
$$;

-- Takes a table out of service for a window, by hand with psql; the row and the event, as the
-- action does it:  SELECT block_table(7, 'spill');
-- Without a night it is the open night that contains the window's start, or tonight.
CREATE FUNCTION block_table(
    p_number integer, p_reason text DEFAULT 'maintenance', p_night date DEFAULT NULL,
    p_from timestamptz DEFAULT NULL, p_until timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now     timestamptz := date_trunc('milliseconds', venue_now());
    v_from    timestamptz := date_trunc('milliseconds', coalesce(p_from, v_now));
    v_night   night;
    v_block   uuid := gen_random_uuid();
    v_version bigint;
BEGIN
    SELECT * INTO v_night FROM night n
     WHERE n.status = 'open' AND (n.date = p_night OR (p_night IS NULL AND n.ends_at > v_from))
     ORDER BY n.date LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no open night for table %', p_number USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM FROM floor_table f WHERE f.night = v_night.date AND f.number = p_number FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no table %', p_number USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM set_config('app.action', 'block_table', true);
    INSERT INTO table_block (id, night, number, slot, reason, in_force)
    VALUES (v_block, v_night.date, p_number,
            tstzrange(v_from, date_trunc('milliseconds', coalesce(p_until, v_night.ends_at))),
            p_reason, v_from <= v_now);
    INSERT INTO event (book, type, subject, payload, actor, correlation_id)
    SELECT v_night.date::text, 'TABLE_BLOCKED', 'table:' || p_number,
           jsonb_build_object('block_id', b.id, 'table', b.number,
                              'blocked_from', instant_text(lower(b.slot)),
                              'blocked_until', instant_text(upper(b.slot)),
                              'reason', b.reason, 'in_force', b.in_force),
           NULL, NULL
      FROM table_block b WHERE b.id = v_block
    RETURNING version INTO v_version;
    -- A bare INSERT later in the same transaction shall not pass for this function's.
    PERFORM set_config('app.action', '', true);
    RETURN v_version;
END
$$;
