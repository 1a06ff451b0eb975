-- Where an unpaid hold came from: the keyed digest of the address, as in the book. The cap on holds
-- from one address counts by it, so that emptying Redis gives nobody more.
ALTER TABLE booking ADD COLUMN held_from text
    CONSTRAINT booking_held_from CHECK (held_from ~ '^[0-9a-f]{16}$');

-- Made again from functions/, where it stands; here for its grants.
CREATE FUNCTION judge_holder(
    p_phone bytea, p_email bytea, p_owner bytea, p_address text, p_most integer
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
END
$$;
REVOKE EXECUTE ON FUNCTION judge_holder(bytea, bytea, bytea, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION judge_holder(bytea, bytea, bytea, text, integer) TO app;
