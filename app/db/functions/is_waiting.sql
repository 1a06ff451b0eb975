-- Whether a place on the waitlist is the owner's whose token has this hash; as is_owner for a booking.
CREATE OR REPLACE FUNCTION is_waiting(p_entry uuid, p_owner_hash bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM waitlist WHERE id = p_entry AND owner_hash = p_owner_hash)
$$;
