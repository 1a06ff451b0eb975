-- A ticket's code is issued again by reissue_ticket (app/db/functions) alone: no role may set a
-- generation by itself.
CREATE FUNCTION reissue_ticket(p_booking uuid, p_generation smallint) RETURNS boolean
LANGUAGE sql AS 'SELECT false';  -- replaced by its file at once
REVOKE EXECUTE ON FUNCTION reissue_ticket(uuid, smallint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reissue_ticket(uuid, smallint) TO app;
