-- Refuses a hold to whoever has an unpaid one that is alive, known by telephone, e-mail address or
-- the token of that hold, and to an address with p_most of them; p_most NULL: whose holds nobody
-- counts. Two holds of one customer on different tables share no row, so each digest is locked for
-- the transaction, in ascending order, after the tables; a PL/pgSQL function then looks afresh.
CREATE OR REPLACE FUNCTION judge_holder(
    p_phone bytea, p_email bytea, p_owner bytea, p_address text, p_most integer
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_key bigint;
    v_now timestamptz;
BEGIN
    IF p_most IS NULL THEN
        RETURN;
    END IF;
    FOR v_key IN
        SELECT DISTINCT hashtextextended(digest, 0) AS key
          FROM unnest(ARRAY['phone:' || encode(p_phone, 'hex'), 'email:' || encode(p_email, 'hex'),
                            'owner:' || encode(p_owner, 'hex'), 'address:' || p_address]) AS digest
         WHERE digest IS NOT NULL ORDER BY key
    LOOP
        PERFORM pg_advisory_xact_lock(v_key);
    END LOOP;
    v_now := venue_now();
    IF EXISTS (SELECT FROM booking b LEFT JOIN person p ON p.id = b.person_id
                WHERE b.status = 'pending' AND b.hold_expires_at > v_now AND b.source = 'public'
                  AND (b.owner_hash = p_owner OR p.phone_index = p_phone
                       OR p.email_index = p_email)) THEN
        RAISE EXCEPTION 'the customer has an unpaid hold'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_hold_per_customer';
    END IF;
    IF (SELECT count(*) FROM booking b
         WHERE b.status = 'pending' AND b.hold_expires_at > v_now AND b.held_from = p_address)
       >= p_most THEN
        RAISE EXCEPTION 'the address has % unpaid holds', p_most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_per_address';
    END IF;
END
$$;
