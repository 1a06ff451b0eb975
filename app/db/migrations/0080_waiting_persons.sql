-- Whoever waits for a table has the same rights over their data as who has one: until an offer they
-- have no booking, by which alone an owner's person was known.

ALTER POLICY seen ON person
    USING (CASE WHEN (SELECT acts_as('MANAGER', 'SUPER_ADMIN', 'DOOR_STAFF')) THEN true
                WHEN (SELECT acts_as('OWNER'))
                THEN EXISTS (SELECT FROM booking b WHERE b.person_id = person.id)
                  OR EXISTS (SELECT FROM waitlist w WHERE w.person_id = person.id)
                WHEN (SELECT acts_as('DEVICE'))
                THEN EXISTS (SELECT FROM booking b JOIN night n ON n.date = b.night
                              WHERE b.person_id = person.id AND n.status = 'open') END);
ALTER POLICY erased_by_owner ON person
    USING ((SELECT acts_as('OWNER'))
           AND (EXISTS (SELECT FROM booking b WHERE b.person_id = person.id)
                OR EXISTS (SELECT FROM waitlist w WHERE w.person_id = person.id)));
ALTER POLICY erased_by_owner ON person_key
    USING ((SELECT acts_as('OWNER'))
           AND (EXISTS (SELECT FROM booking b WHERE b.person_id = person_key.person_id)
                OR EXISTS (SELECT FROM waitlist w WHERE w.person_id = person_key.person_id)));
