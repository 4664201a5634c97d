-- Runs by an asset that a step made together with others. Those whose step makes one asset are found by the step (step_of_asset):
-- it and its materialization have the asset's name, so that each materialization costs one index or the other, and never both.
CREATE INDEX materialization_of_several ON materialization (asset, run) WHERE step IS NOT asset AND run IS NOT NULL;
