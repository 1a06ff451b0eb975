-- Whether a booking is the owner's whose token has this hash: asked before anything is done in an
-- owner's name, in one round trip and outside a transaction, so no one acts yet and no policy would
-- let the row be seen. It tells nothing to who has not the hash already.
CREATE OR REPLACE FUNCTION is_owner(p_booking uuid, p_owner_hash bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM booking WHERE id = p_booking AND owner_hash = p_owner_hash)
$$;
