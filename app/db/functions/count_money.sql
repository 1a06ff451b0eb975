-- A booking's row says of its money what the rows of its payments say: what the house has of it now,
-- and whether it is in dispute. What came in another currency is not counted. p_failed: whether the last try to pay online failed; NULL: as it was.
CREATE OR REPLACE FUNCTION count_money(p_booking uuid, p_failed boolean DEFAULT NULL)
RETURNS TABLE (paid integer, contested boolean) LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE booking b
       SET paid_pence = m.paid, disputed = m.contested,
           payment_failed = coalesce(p_failed, b.payment_failed)
      FROM (SELECT coalesce(sum(amount_pence - refunded_pence) FILTER (WHERE currency = 'gbp'), 0)::integer AS paid,
                   coalesce(bool_or(dispute_status NOT IN ('won', 'warning_closed')), false) AS contested
              FROM payment WHERE booking_id = p_booking) AS m
     WHERE b.id = p_booking
    RETURNING m.paid, m.contested
$$;
REVOKE EXECUTE ON FUNCTION count_money(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_money(uuid, boolean) TO app, jobs;
