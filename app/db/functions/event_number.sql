-- Takes the next number, the instant and the hashes, whatever was given. The row lock on the book
-- is held to the commit, so numbers have no hole and commit in order. It is the transaction's last
-- lock: only inserts follow.
CREATE OR REPLACE FUNCTION event_number() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.actor := coalesce(NEW.actor, 'hand:' || session_user);
    NEW.correlation_id := coalesce(NEW.correlation_id, gen_random_uuid()::text);
    NEW.made_by := coalesce(nullif(current_setting('app.action', true), ''), 'hand:' || session_user);
    LOOP
        -- One statement locks the row, moves it and tells what the line gets: this is the one place
        -- where every action of a night waits for the other. Whoever waited for the row computes on
        -- its newest version. The clock is read here and not by venue_now(), whose call costs 40 us;
        -- OFFSET 0 has it read once.
        UPDATE book b
           SET version = b.version + 1, at = greatest(b.at, c.now), previous_hash = b.hash,
               hash = event_hash(b.hash, NEW.book, b.version + 1, NEW.type, NEW.subject,
                                 greatest(b.at, c.now), NEW.actor, NEW.correlation_id, NEW.made_by,
                                 NEW.payload, NEW.origin)
          FROM (SELECT date_trunc('milliseconds',
                    CASE WHEN k.speed = 1 AND k.real_at = k.shown_at THEN clock_timestamp()
                         ELSE k.shown_at + (clock_timestamp() - k.real_at) * k.speed END) AS now
                  FROM clock k OFFSET 0) AS c
         WHERE b.name = NEW.book
        RETURNING b.version, b.at, b.previous_hash, b.hash
             INTO NEW.version, NEW.at, NEW.previous_hash, NEW.hash;
        EXIT WHEN FOUND;
        INSERT INTO book (name) VALUES (NEW.book) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN NEW;
END
$$;
