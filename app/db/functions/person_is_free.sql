-- A new booking, or place on the waitlist, is for a person of its own: nobody makes one to read
-- somebody's name by it.
CREATE OR REPLACE FUNCTION person_is_free(p_person uuid) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM booking b WHERE b.person_id = p_person)
       AND NOT EXISTS (SELECT FROM waitlist w WHERE w.person_id = p_person)
$$;
