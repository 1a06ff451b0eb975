-- The audit: where a line came from, lines of the venue's book beside those of a night, and the
-- two halves of an action of the administration.

-- A keyed digest of the caller's address (HMAC-SHA-256, the first 16 hexadecimal digits): two lines
-- can be seen to come from one place, and nobody can read which. NULL: no request made the line.
ALTER TABLE event ADD COLUMN origin text
    CONSTRAINT event_origin_is_a_digest CHECK (origin ~ '^[0-9a-f]{16}$');

-- What the chain holds of a line: its origin too, where it has one. A line without keeps the hash
-- that it had before there were any.
CREATE FUNCTION event_hash(
    previous_hash bytea, book text, version bigint, type text, subject text, at timestamptz,
    actor text, correlation_id text, made_by text, payload jsonb, origin text
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(previous_hash || convert_to((jsonb_build_array(
        book, version, type, subject, extract(epoch FROM at)::text, actor, correlation_id, made_by,
        payload) || CASE WHEN origin IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(origin) END)::text,
        'UTF8'))
$$;

CREATE OR REPLACE FUNCTION event_number() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    head record;
BEGIN
    LOOP
        -- The clock is read here and not by venue_now(): this is the one place where every action
        -- of a night waits for the other, and the call takes 40 us of it.
        SELECT b.version, b.at, b.hash, greatest(b.at, date_trunc('milliseconds',
                   CASE WHEN c.speed = 1 AND c.real_at = c.shown_at THEN clock_timestamp()
                        ELSE c.shown_at + (clock_timestamp() - c.real_at) * c.speed END)) AS now
          INTO head FROM book b, clock c WHERE b.name = NEW.book FOR UPDATE OF b;
        EXIT WHEN FOUND;
        INSERT INTO book (name) VALUES (NEW.book) ON CONFLICT DO NOTHING;
    END LOOP;
    NEW.version := head.version + 1;
    NEW.at := head.now;
    NEW.actor := coalesce(NEW.actor, 'hand:' || session_user);
    NEW.correlation_id := coalesce(NEW.correlation_id, gen_random_uuid()::text);
    NEW.made_by := coalesce(nullif(current_setting('app.action', true), ''), 'hand:' || session_user);
    NEW.previous_hash := head.hash;
    NEW.hash := event_hash(head.hash, NEW.book, NEW.version, NEW.type, NEW.subject, NEW.at,
                           NEW.actor, NEW.correlation_id, NEW.made_by, NEW.payload, NEW.origin);
    UPDATE book SET version = NEW.version, at = NEW.at, hash = NEW.hash WHERE name = NEW.book;
    RETURN NEW;
END
$$;
DROP FUNCTION event_hash(bytea, text, bigint, text, text, timestamptz, text, text, text, jsonb);

-- One line of the venue's book inside the transaction of whoever calls; its last lock. `p_action`
-- is what made it, where no action has said so before. Returns the line's version.
CREATE FUNCTION note_administration(
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

-- The first half of an action of the administration, as lock_floor is of one on the floor: sets the
-- person, claims the idempotency key, and returns the answer that the key has already, if any.
CREATE FUNCTION begin_administration(
    p_uid text, p_role text, p_action text, p_caller text, p_key text, p_body_hash bytea
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
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
    RETURN jsonb_build_object('now', instant_text(venue_now()));
END
$$;

-- As before, with the origin of the lines, and with `notes` [[type, subject, payload] ...] for the
-- venue's book: after those of the night, since books are locked by date and the venue's last.
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

-- Who signs people in administers them too, under the same keys as every other write.
GRANT SELECT, INSERT, UPDATE ON idempotency TO auth;
