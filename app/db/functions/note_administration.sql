-- One line of the venue's book inside the transaction of whoever calls; its last lock. `p_action`
-- is what made it, where no action has said so before. Returns the line's version.
CREATE OR REPLACE FUNCTION note_administration(
    p_type text, p_subject text, p_payload jsonb, p_actor text, p_correlation text, p_origin text,
    p_action text
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_before  text := coalesce(current_setting('app.action', true), '');
    v_version bigint;
BEGIN
    IF v_before = '' THEN
        PERFORM set_config('app.action', p_action, true);
    END IF;
    INSERT INTO event (book, type, subject, payload, actor, correlation_id, origin)
    VALUES ('venue', p_type, p_subject, p_payload, p_actor, p_correlation, p_origin)
    RETURNING version INTO v_version;
    -- A bare INSERT later in the same transaction shall not pass for this function's.
    PERFORM set_config('app.action', v_before, true);
    RETURN v_version;
END
$$;
