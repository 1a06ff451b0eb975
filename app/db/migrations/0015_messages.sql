-- An action's two halves as one message each: BEGIN goes with the first, COMMIT with the last.
-- asyncpg hands on no row of a message with several statements, so both tell what they found in an
-- INFO, which every client is sent whatever its client_min_messages.

-- The first half. p: uid, role, action; caller, key, body_hash (hexadecimal); night, tables,
-- bookings, people, booking. Tells the facts, as lock_floor returns them.
CREATE FUNCTION begin_action(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE INFO '%', lock_floor(
        p ->> 'uid', p ->> 'role', p ->> 'action', p ->> 'caller', p ->> 'key',
        decode(p ->> 'body_hash', 'hex'), (p ->> 'night')::date,
        ARRAY(SELECT value::integer FROM jsonb_array_elements_text(p -> 'tables')),
        ARRAY(SELECT value::uuid FROM jsonb_array_elements_text(p -> 'bookings')),
        (p ->> 'people')::boolean, (p ->> 'booking')::uuid);
END
$$;
REVOKE EXECUTE ON FUNCTION begin_action(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_action(jsonb) TO app, jobs;

-- As before, and it tells the book's version instead of leaving it in the session: behind a pooler
-- the next statement may meet another session.
CREATE OR REPLACE FUNCTION finish_action(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
    v_answer  bytea;
BEGIN
    WITH written AS (
        INSERT INTO event (book, type, subject, payload, actor, correlation_id, origin)
        SELECT book, line ->> 0, line ->> 1, line -> 2, p ->> 'actor', p ->> 'correlation',
               p ->> 'origin'
          FROM (SELECT p ->> 'book' AS book, line, number, 1 AS turn
                  FROM jsonb_array_elements(p -> 'events') WITH ORDINALITY AS e (line, number)
                UNION ALL
                SELECT 'venue', line, number, 2
                  FROM jsonb_array_elements(p -> 'notes') WITH ORDINALITY AS n (line, number)
               ) AS lines
         ORDER BY turn, number
        RETURNING book, version
    ) SELECT max(version) INTO v_version FROM written WHERE book = p ->> 'book';
    IF v_version IS NULL THEN
        SELECT version INTO v_version FROM book WHERE name = p ->> 'book';
    END IF;
    v_answer := convert_to(
        replace(p ->> 'answer', '"version":-1', '"version":' || coalesce(v_version, 0)), 'UTF8');
    IF p ? 'scan_id' THEN
        UPDATE scan SET answer = v_answer
         WHERE scanner = p ->> 'scanner' AND scan_id = (p ->> 'scan_id')::uuid;
    ELSIF p ->> 'key' IS NOT NULL THEN
        UPDATE idempotency SET status = (p ->> 'status')::smallint, answer = v_answer
         WHERE caller = p ->> 'caller' AND key = p ->> 'key';
    END IF;
    RAISE INFO '%', coalesce(v_version, 0);
END
$$;
