-- A booking whose deposit is there, or needs none, is confirmed and has its ticket; the claims of one
-- whose hold ran out come alive again on these tables. It looks for the money itself.
CREATE OR REPLACE FUNCTION confirm_paid(
    p_booking uuid, p_ticket uuid, p_generation integer, p_tables integer[]
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE booking b SET status = 'confirmed', hold_expires_at = NULL
     WHERE b.id = p_booking AND b.status IN ('pending', 'expired')
       AND (b.deposit_pence = 0
            OR EXISTS (SELECT FROM payment p WHERE p.booking_id = b.id AND p.kept_pence > 0
                                                    AND p.currency = 'gbp'));
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE booking_table SET live = true
     WHERE booking_id = p_booking AND number = ANY (p_tables) AND NOT live;
    INSERT INTO ticket (id, booking_id, night, generation, party)
    SELECT p_ticket, b.id, b.night, p_generation, b.party FROM booking b WHERE b.id = p_booking;
    RETURN true;
END
$$;
REVOKE EXECUTE ON FUNCTION confirm_paid(uuid, uuid, integer, integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION confirm_paid(uuid, uuid, integer, integer[]) TO jobs;
