-- Refuses a hold to whoever has an unpaid one that is alive, known by telephone, e-mail address or
-- the token of that hold, and to an address with p_most of them; p_most NULL: whose holds nobody
-- counts. Two holds of one customer on different tables share no row, so each digest is locked for
-- the transaction, in ascending order, after the tables; a PL/pgSQL function then looks afresh.
CREATE OR REPLACE FUNCTION judge_holder(
    p_phone bytea, p_email bytea, p_owner bytea, p_address text, p_most integer
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_holds boolean;
    v_many  boolean;
BEGIN
    IF p_most IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(key)
       FROM (SELECT DISTINCT hashtextextended(digest, 0) AS key
               FROM unnest(ARRAY['phone:' || encode(p_phone, 'hex'),
                                 'email:' || encode(p_email, 'hex'),
                                 'owner:' || encode(p_owner, 'hex'), 'address:' || p_address]) AS digest
              WHERE digest IS NOT NULL ORDER BY key) AS keys;
    -- The clock is read here and not by venue_now(), as in event_number.
    SELECT bool_or(b.source = 'public' AND (b.owner_hash = p_owner OR p.phone_index = p_phone
                                            OR p.email_index = p_email)),
           count(*) FILTER (WHERE b.held_from = p_address) >= p_most
      INTO v_holds, v_many
      FROM (SELECT CASE WHEN k.speed = 1 AND k.real_at = k.shown_at THEN clock_timestamp()
                        ELSE k.shown_at + (clock_timestamp() - k.real_at) * k.speed END AS now
              FROM clock k OFFSET 0) AS c
      JOIN booking b ON b.status = 'pending' AND b.hold_expires_at > c.now
      LEFT JOIN person p ON p.id = b.person_id;
    IF v_holds THEN
        RAISE EXCEPTION 'the customer has an unpaid hold'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_hold_per_customer';
    END IF;
    IF v_many THEN
        RAISE EXCEPTION 'the address has % unpaid holds', p_most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_per_address';
    END IF;
END
$$;
