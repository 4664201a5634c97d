-- Which CAs a device trusts, and which of them issued the certificate that it holds: as it said, fingerprints
-- (SHA-256, hex) with one space between. NULL: it has not said, an agent of an earlier version does not.
ALTER TABLE connection ADD COLUMN authorities TEXT;
ALTER TABLE connection ADD COLUMN authority TEXT;
