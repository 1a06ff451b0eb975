-- Whether the bookings' people are banned, for the door: 'banned' when it is the same person, or
-- the same telephone or e-mail address; 'banned_name' when only the name is the same.
CREATE OR REPLACE FUNCTION bans_of(p_bookings uuid[], p_now timestamptz) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_object_agg(id, CASE WHEN sure THEN 'banned' ELSE 'banned_name' END), '{}')
      FROM (SELECT b.id, bool_or(x.person_id = p.id OR x.phone_index = p.phone_index
                                 OR x.email_index = p.email_index) AS sure
              FROM booking b
              JOIN person p ON p.id = b.person_id
              JOIN ban x ON x.person_id = p.id OR x.phone_index = p.phone_index
                         OR x.email_index = p.email_index OR x.name_index = p.name_index
             WHERE b.id = ANY (p_bookings) AND x.lifted_at IS NULL
               AND (x.until IS NULL OR x.until > p_now)
             GROUP BY b.id) AS found
$$;
