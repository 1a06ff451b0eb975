-- Sets an amount of a payment aside and notes that it goes back: for a manager, the service itself, or
-- the booking's owner. False: that much is not kept of it (or the payment is not theirs).
CREATE OR REPLACE FUNCTION ask_refund(
    p_id uuid, p_payment uuid, p_amount integer, p_why text, p_by text, p_at timestamptz
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_booking uuid;
BEGIN
    UPDATE payment p
       SET kept_pence = kept_pence - p_amount, refunding_pence = refunding_pence + p_amount
      FROM booking b
     WHERE p.id = p_payment AND b.id = p.booking_id AND p_amount > 0 AND kept_pence >= p_amount
       AND (acts_as('MANAGER', 'SUPER_ADMIN', 'SYSTEM')
            OR acts_as('OWNER') AND (b.owner_hash = acting_owner() OR b.id = acting_booking()))
    RETURNING p.booking_id INTO v_booking;
    IF v_booking IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO refund (id, booking_id, payment_id, amount_pence, why, status, key, asked_by, asked_at)
    VALUES (p_id, v_booking, p_payment, p_amount, p_why, 'pending', 'refund:' || p_id, p_by, p_at);
    RETURN true;
END
$$;
REVOKE EXECUTE ON FUNCTION ask_refund(uuid, uuid, integer, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ask_refund(uuid, uuid, integer, text, text, timestamptz) TO app, jobs;
