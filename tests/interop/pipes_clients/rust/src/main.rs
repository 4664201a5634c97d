//! A step that speaks Dagster Pipes through dagster_pipes_rust: rust_client CASE. Run by pipes_rust_test.py.
use dagster_pipes_rust::{open_dagster_pipes, AssetCheckSeverity, DagsterPipesError, PipesMetadataValue};
use serde_json::json;
use std::collections::HashMap;

fn main() -> Result<(), DagsterPipesError> {
    let mut context = open_dagster_pipes()?;
    let case = std::env::args().nth(1).unwrap_or_default();
    match case.as_str() {
        "log_levels" => {
            context.logger.debug("Debug message")?;
            context.logger.info("Info message")?;
            context.logger.warning("Warning message")?;
            context.logger.error("Error message")?;
            context.logger.critical("Critical message")?;
        }
        "materialization" => {
            let metadata = HashMap::from([
                ("rows", PipesMetadataValue::from(100_i64)),
                ("url", PipesMetadataValue::from_url("https://dagster.io".to_string())),
                ("null", PipesMetadataValue::null()),
            ]);
            context.report_asset_materialization("a/b", metadata, Some("alpha"))?;
        }
        "bare" => context.report_asset_materialization("a/b", HashMap::new(), None)?,
        "check" => {
            context.report_asset_check("my_check", false, "a/b", &AssetCheckSeverity::Warn, HashMap::new())?
        }
        "custom_message" => context.report_custom_message(json!({"foo": "bar", "qux": [1, 2, 3], "corge": null}))?,
        "panics" => {
            context.report_asset_materialization("a/b", HashMap::new(), Some("half"))?;
            panic!("Very bad error has happened!");
        }
        _ => panic!("no such case: {case}"),
    }
    Ok(())
}
