//! What is done before the relay listens: keys are made and loaded, and it is known what waits.

use std::sync::Arc;

use service::unix_ms;
use web::Result;

use crate::app::App;
use crate::domain::dsn_key::Limits;
use crate::jobs;
use crate::store::dsn_keys;

pub(crate) async fn prepare(app: &Arc<App>) -> Result<()> {
    let seeds = app.settings.dsn_keys.clone();
    app.change_keys(move |tx| {
        for (project, key) in &seeds {
            dsn_keys::insert(tx, key, project, &Limits::default(), unix_ms())?;
        }
        Ok(())
    })
    .await?;
    app.load_mapped_projects().await?;
    for link in &app.links {
        jobs::recount(app, link).await?;
        link.waiting.notify_one();
    }
    Ok(())
}
