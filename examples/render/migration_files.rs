//! A model's migrations as plain files, named as SQLx and most tools read them.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use output_port_usage::Migration;

/// Writes `NNNN_name.up.sql` and `NNNN_name.down.sql` for each; a file that says something else is never overwritten.
pub(crate) fn write(directory: &Path, migrations: &[Migration]) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let mut missing = Vec::new();
    for migration in migrations {
        for (direction, text) in [("up", migration.up()), ("down", migration.down())] {
            let file = directory.join(format!("{:04}_{}.{direction}.sql", migration.id(), migration.name()));
            match fs::read(&file) {
                Ok(there) if there == text.as_bytes() => {}
                Ok(_) => bail!("{}: it says something else; nothing was written", file.display()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((file, text)),
                Err(error) => return Err(error).with_context(|| file.display().to_string()),
            }
        }
    }
    for (file, text) in missing {
        fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
