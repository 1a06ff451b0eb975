-- A NOTIFY is a wake and nothing more: readers take the events themselves. An assignment is no
-- statement of its own, a PERFORM would be.
CREATE OR REPLACE FUNCTION event_wake() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_sent text;
BEGIN
    v_sent := pg_notify('floor', NEW.book || ':' || NEW.version);
    RETURN NULL;
END
$$;
