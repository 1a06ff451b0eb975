-- Takes the next number, the instant and the hashes, whatever was given. The row lock on the book
-- is held to the commit, so numbers have no hole and commit in order. It is the transaction's last
-- lock: only inserts follow.
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
