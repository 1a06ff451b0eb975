-- A hold has ended that may have been an offer of the waitlist: paid, that accepted it; else one of
-- the party's offers is used up, and with the last one its place on the list. The fold does the same
-- with the hold's event. It runs as its owner, since whoever ends a hold need not see whose it was.
CREATE OR REPLACE FUNCTION offer_over() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE waitlist
       SET offers_left = CASE WHEN NEW.status = 'confirmed' THEN offers_left ELSE offers_left - 1 END,
           status = CASE WHEN NEW.status = 'confirmed' THEN 'accepted'
                         WHEN offers_left <= 1 THEN 'left' ELSE 'waitlisted' END,
           ended_why = CASE WHEN NEW.status = 'confirmed' THEN 'accepted'
                            WHEN offers_left <= 1 THEN 'unanswered' END,
           booking_id = CASE WHEN NEW.status = 'confirmed' THEN booking_id END
     WHERE booking_id = NEW.id AND status = 'offered';
    RETURN NULL;
END
$$;
