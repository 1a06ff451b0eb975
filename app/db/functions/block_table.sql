-- Takes a table out of service for a window, by hand with psql; the row and the event, as the
-- action does it:  SELECT block_table(7, 'spill');
-- Without a night it is the open night that contains the window's start, or tonight.
CREATE OR REPLACE FUNCTION block_table(
    p_number integer, p_reason text DEFAULT 'maintenance', p_night date DEFAULT NULL,
    p_from timestamptz DEFAULT NULL, p_until timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now     timestamptz := date_trunc('milliseconds', venue_now());
    v_from    timestamptz := greatest(date_trunc('milliseconds', p_from), v_now);
    v_until   timestamptz;
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
    v_until := date_trunc('milliseconds', coalesce(p_until, v_night.ends_at));
    -- Beyond the night nobody would ever lift it, and infinity cannot be written in the book.
    IF v_from >= v_until OR v_until > v_night.ends_at THEN
        RAISE EXCEPTION 'a block ends after it begins, and before its night ends'
              USING ERRCODE = 'invalid_parameter_value',
                    HINT = format('The night %s ends at %s; a block begins now at the earliest.',
                                  v_night.date, v_night.ends_at);
    END IF;
    PERFORM FROM floor_table f WHERE f.night = v_night.date AND f.number = p_number FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no table %', p_number USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM set_config('app.action', 'block_table', true);
    INSERT INTO table_block (id, night, number, slot, reason, in_force)
    VALUES (v_block, v_night.date, p_number,
            tstzrange(v_from, v_until), p_reason, v_from <= v_now);
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
