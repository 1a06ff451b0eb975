-- find_scanned and lock_scanned do its work, for several scans in one transaction as well.
DROP FUNCTION IF EXISTS lock_scan(text, text, text, uuid, uuid, text);
