-- The hash of the token of the owner who acts; NULL: no owner acts. What is no hash is nobody's.
CREATE OR REPLACE FUNCTION acting_owner() RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN current_setting('app.role', true) = 'OWNER'
                 AND length(current_setting('app.uid', true)) = 64
                 AND translate(current_setting('app.uid', true), '0123456789abcdef', '') = ''
                THEN decode(current_setting('app.uid', true), 'hex') END
$$;
