-- The night is sealed: nobody waits for it any more.
CREATE OR REPLACE FUNCTION waitlist_over() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE waitlist SET status = 'left', ended_why = 'night_over'
     WHERE night = NEW.date AND status IN ('waitlisted', 'offered');
    RETURN NULL;
END
$$;
