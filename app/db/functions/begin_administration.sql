-- The first half of an action of the administration: the person is set and the key claimed.
CREATE OR REPLACE FUNCTION begin_administration(
    p_uid text, p_role text, p_action text, p_caller text, p_key text, p_body_hash bytea,
    p_booking uuid DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v_answered jsonb;
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
    RETURN jsonb_build_object('now', instant_text(venue_now()));
END
$$;
