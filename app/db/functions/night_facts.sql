-- A night as actions are told of it (NightFact in app/domain/facts.py). Postgres puts its one
-- expression into the statement that calls it.
CREATE OR REPLACE FUNCTION night_facts(n night) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'date', n.date, 'name', n.name, 'status', n.status,
        'doors_at', instant_text(n.doors_at), 'last_entry_at', instant_text(n.last_entry_at),
        'closes_at', instant_text(n.closes_at), 'ends_at', instant_text(n.ends_at),
        'house_limit', n.house_limit, 'edition', n.edition)
$$;
