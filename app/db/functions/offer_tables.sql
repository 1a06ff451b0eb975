-- Holds tables for a waiting party, whose tables the caller has locked: the booking, its claims and
-- the row of the waitlist. False: the party has an offer, or waits no more. It runs as its owner:
-- what time does may make no booking but this.
CREATE OR REPLACE FUNCTION offer_tables(
    p_entry uuid, p_booking uuid, p_reference text, p_tables integer[], p_deposit integer,
    p_until timestamptz, p_now timestamptz, p_refunds jsonb
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_entry waitlist;
BEGIN
    SELECT * INTO v_entry FROM waitlist w WHERE w.id = p_entry AND w.status = 'waitlisted' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO booking (id, reference, night, status, party, slot, source, person_id, owner_hash,
                         deposit_pence, hold_expires_at, created_at, refund_policy)
    VALUES (p_booking, p_reference, v_entry.night, 'pending', v_entry.party, v_entry.slot, 'public',
            v_entry.person_id, v_entry.owner_hash, p_deposit, p_until, p_now, p_refunds);
    INSERT INTO booking_table (booking_id, night, number, slot, live)
    SELECT p_booking, v_entry.night, number, v_entry.slot, true FROM unnest(p_tables) AS number;
    UPDATE waitlist SET status = 'offered', booking_id = p_booking WHERE id = p_entry;
    RETURN true;
END
$$;
