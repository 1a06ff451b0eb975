-- The idempotency key that this very transaction claimed is free again: the action did not happen.
CREATE OR REPLACE FUNCTION forget_key(p_caller text, p_key text) RETURNS void LANGUAGE sql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM idempotency i
     WHERE i.caller = p_caller AND i.key = p_key AND p_caller = acting_caller()
       AND i.status IS NULL AND i.xmin = pg_current_xact_id()::xid
$$;
REVOKE EXECUTE ON FUNCTION forget_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_key TO app;
