-- The second half of an action: writes the events and notes in the order given, and keeps the answer
-- (under the idempotency key, or as a scan's verdict) with the last event's version in place of its
-- "version":-1. Messages go to the outbox before the book is locked. p: messages (as enqueue_messages
-- takes them; absent: none); book, events and notes [[type, subject, payload] ...], actor, correlation, origin,
-- answer; caller, key, status; or scanner, scan_id. Tells the book's version in an INFO.
CREATE OR REPLACE FUNCTION finish_action(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
    v_answer  bytea;
BEGIN
    IF p ? 'messages' THEN
        PERFORM enqueue_messages(p -> 'messages');
    END IF;
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
