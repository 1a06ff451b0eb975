-- The night's book: numbered, chained, append-only events, and the wake that follows each commit.

-- One row: who this database is, so that a restore or a failover is seen as another epoch.
CREATE TABLE installation (
    one     boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_is_one_row CHECK (one),
    id      uuid NOT NULL DEFAULT gen_random_uuid(),
    demo    boolean NOT NULL DEFAULT false  -- demo data may run on a demo clock, and only it
);
INSERT INTO installation DEFAULT VALUES;

-- One row: the demo clock. speed 1 and equal anchors are the real clock.
CREATE TABLE clock (
    one      boolean PRIMARY KEY DEFAULT true CONSTRAINT clock_is_one_row CHECK (one),
    real_at  timestamptz NOT NULL,  -- when the clock was set
    shown_at timestamptz NOT NULL,  -- what it showed then
    speed    double precision NOT NULL CONSTRAINT clock_speed_is_positive CHECK (speed > 0)
);
INSERT INTO clock (real_at, shown_at, speed) VALUES (now(), now(), 1);

-- The venue's now: real time, or the demo clock's.
CREATE FUNCTION venue_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN speed = 1 AND real_at = shown_at THEN clock_timestamp()
                ELSE shown_at + (clock_timestamp() - real_at) * speed END
      FROM clock
$$;

-- An instant as every event and frame spells it.
CREATE FUNCTION instant_text(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- One row for each book ("2026-11-21", or "venue"): the head of its chain.
CREATE TABLE book (
    name    text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    at      timestamptz NOT NULL DEFAULT '-infinity',
    hash    bytea NOT NULL DEFAULT '\x'
) WITH (fillfactor = 50);  -- every event updates its row: room for HOT updates

CREATE TABLE event (
    book           text   NOT NULL REFERENCES book (name),
    version        bigint NOT NULL,
    type           text   NOT NULL CONSTRAINT event_type_is_a_word CHECK (type ~ '^[A-Z][A-Z_]{2,39}$'),
    subject        text   NOT NULL,
    at             timestamptz NOT NULL,
    actor          text   NOT NULL,
    correlation_id text   NOT NULL,
    made_by        text   NOT NULL,  -- the action that wrote it; "hand:<role>" when none said so
    payload        jsonb  NOT NULL,
    previous_hash  bytea  NOT NULL,
    hash           bytea  NOT NULL,
    PRIMARY KEY (book, version)
);

-- What the chain holds of a line. Spelled once here; `backroom verify` recomputes it line by line.
CREATE FUNCTION event_hash(
    previous_hash bytea, book text, version bigint, type text, subject text, at timestamptz,
    actor text, correlation_id text, made_by text, payload jsonb
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(previous_hash || convert_to(jsonb_build_array(
        book, version, type, subject, extract(epoch FROM at)::text, actor, correlation_id, made_by,
        payload)::text, 'UTF8'))
$$;

-- Takes the next number, the instant and the hashes, whatever was given. The row lock on the book
-- is held to the commit, so numbers have no hole and commit in order. It is the transaction's last
-- lock: only inserts follow.
CREATE FUNCTION event_number() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public AS $$
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
                           NEW.actor, NEW.correlation_id, NEW.made_by, NEW.payload);
    UPDATE book SET version = NEW.version, at = NEW.at, hash = NEW.hash WHERE name = NEW.book;
    RETURN NEW;
END
$$;
CREATE TRIGGER event_number BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_number();

-- A NOTIFY is a wake and nothing more: readers take the events themselves.
CREATE FUNCTION event_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('floor', NEW.book || ':' || NEW.version);
    RETURN NULL;
END
$$;
CREATE TRIGGER event_wake AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_wake();

CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the book is append-only: % on event is refused', TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Write a CORRECTION event instead.';
END
$$;
CREATE TRIGGER event_unchanged BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION event_is_append_only();
CREATE TRIGGER event_untruncated BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only();

-- States of the fold at some versions, so that nobody folds a whole night to know its end. A copy:
-- deleting every row loses nothing.
CREATE TABLE snapshot (
    book    text   NOT NULL,
    version bigint NOT NULL,
    state   jsonb  NOT NULL,
    PRIMARY KEY (book, version)
);
