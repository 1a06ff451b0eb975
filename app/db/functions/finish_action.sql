-- The second half of an action, sent in one message with its rows and COMMIT: writes the events and
-- notes in the order given, and keeps the answer (under the idempotency key, as a scan's verdict, or both)
-- with the last event's version in place of its "version":-1. Messages go to the outbox before the
-- book is locked. p: messages (as enqueue_messages takes them; absent: none); book, events and notes
-- [[type, subject, payload] ...], where an event may name as a fourth another book than `book` (they
-- come by book: books are locked by date), actor, correlation, origin, answer; caller, key, status;
-- scanner, scan_id. Tells the book's version in an INFO, and as the setting app.version to what follows
-- in the same message.
CREATE OR REPLACE FUNCTION finish_action(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_book    text := p ->> 'book';
    v_line    jsonb;
    v_version bigint;
    v_answer  bytea;
    v_set     text;
BEGIN
    IF p ? 'messages' THEN
        PERFORM enqueue_messages(p -> 'messages');
    END IF;
    FOR i IN 0 .. jsonb_array_length(p -> 'events') - 1 LOOP
        v_line := p -> 'events' -> i;
        INSERT INTO event (book, type, subject, payload, actor, correlation_id, origin)
        VALUES (coalesce(v_line ->> 3, v_book), v_line ->> 0, v_line ->> 1, v_line -> 2,
                p ->> 'actor', p ->> 'correlation', p ->> 'origin')
        RETURNING CASE book WHEN v_book THEN version ELSE v_version END INTO v_version;
    END LOOP;
    FOR i IN 0 .. jsonb_array_length(p -> 'notes') - 1 LOOP
        v_line := p -> 'notes' -> i;
        INSERT INTO event (book, type, subject, payload, actor, correlation_id, origin)
        VALUES ('venue', v_line ->> 0, v_line ->> 1, v_line -> 2, p ->> 'actor',
                p ->> 'correlation', p ->> 'origin');
    END LOOP;
    -- No line of its own, or the last one of a book that notes went into as well.
    IF v_version IS NULL OR v_book = 'venue' THEN
        SELECT version INTO v_version FROM book WHERE name = v_book;
    END IF;
    v_set := set_config('app.version', coalesce(v_version, 0)::text, true);
    v_answer := convert_to(replace(p ->> 'answer', '"version":-1', '"version":' || v_set), 'UTF8');
    IF p ? 'scan_id' THEN
        UPDATE scan SET answer = v_answer
         WHERE scanner = p ->> 'scanner' AND scan_id = (p ->> 'scan_id')::uuid;
    END IF;
    IF p ->> 'key' IS NOT NULL THEN
        UPDATE idempotency SET status = (p ->> 'status')::smallint, answer = v_answer
         WHERE caller = p ->> 'caller' AND key = p ->> 'key';
    END IF;
    RAISE INFO '%', v_set;
END
$$;
