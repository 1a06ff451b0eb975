-- Where a waiting party stands in the order of its night's waitlist, from 1; NULL: it does not wait.
-- An owner sees no other row, so this counts them as its owner and tells the number alone. The order
-- is that of app/domain/waitlist.py.
CREATE OR REPLACE FUNCTION place_in_line(p_entry uuid) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*)::integer
      FROM waitlist me JOIN waitlist w ON w.night = me.night AND w.status = 'waitlisted'
     WHERE me.id = p_entry AND me.status = 'waitlisted'
       AND (-w.offers_left, -coalesce(w.by_hand, w.priority), w.joined_at, w.id)
           <= (-me.offers_left, -coalesce(me.by_hand, me.priority), me.joined_at, me.id)
    HAVING count(*) > 0
$$;
