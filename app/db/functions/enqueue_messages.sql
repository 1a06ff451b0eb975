-- Puts messages into the outbox, in the transaction of what they tell of. p: an array of objects:
-- kind, cause; booking_id or person_id, waitlist_id; details, not_before, useful_until; urgent (also
-- by SMS to who has an e-mail address). Whoever left no
-- address gets none; a cause that was told is not told again. It runs as its owner, because who makes
-- a message need not see the person it goes to, and tells nothing of them. Beyond 10000 that wait, a
-- new one is dead at once: a manager can replay it, and no booking waits for the mail.
CREATE OR REPLACE FUNCTION enqueue_messages(p jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    m        jsonb;
    v_full   boolean;
BEGIN
    FOR m IN SELECT value FROM jsonb_array_elements(p) LOOP
        v_full := (SELECT count(*) >= 10000
                     FROM (SELECT FROM outbox WHERE status = 'waiting' LIMIT 10000) AS waiting);
        INSERT INTO outbox (kind, channel, cause, booking_id, waitlist_id, person_id, details,
                            not_before, useful_until, status, reason, settled_at)
        SELECT m ->> 'kind', way.channel, m ->> 'cause', (m ->> 'booking_id')::uuid,
               (m ->> 'waitlist_id')::uuid, w.id, coalesce(m -> 'details', '{}'),
               (m ->> 'not_before')::timestamptz, (m ->> 'useful_until')::timestamptz,
               CASE WHEN v_full THEN 'dead' ELSE 'waiting' END,
               CASE WHEN v_full THEN 'queue_full' END, CASE WHEN v_full THEN clock_timestamp() END
          FROM person w,
               unnest(ARRAY['email', 'sms']) AS way (channel)
         WHERE w.id = coalesce((m ->> 'person_id')::uuid,
                               (SELECT b.person_id FROM booking b
                                 WHERE b.id = (m ->> 'booking_id')::uuid))
           AND CASE way.channel
               WHEN 'email' THEN w.email_index IS NOT NULL
               ELSE w.phone_index IS NOT NULL
                    AND (w.email_index IS NULL OR (m ->> 'urgent')::boolean) END
        ON CONFLICT ON CONSTRAINT outbox_tells_once DO NOTHING;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION enqueue_messages(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enqueue_messages(jsonb) TO app, jobs;
