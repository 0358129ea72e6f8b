//! The programs that are measured, built as the one that measures.

use std::error::Error;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// [`build_of`] what most programs here measure.
pub fn build() -> Result<PathBuf, Box<dyn Error>> {
    build_of(&["error-tracker", "metrics-collector", "bench"])
}

/// Builds what is measured as this program was built, beside it, and returns where that is.
pub fn build_of(packages: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    let here = std::env::current_exe()?;
    let folder = here.parent().ok_or("a program has a folder")?;
    let target = folder.parent().ok_or("a profile's folder is in another")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Else a program started by itself may build elsewhere, and measure what was here before.
    command.arg("build").arg("--target-dir").arg(target);
    command.args(["--quiet", "--bins"]);
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    // The folder has the name of the profile, but for `dev`.
    let profile = folder.file_name().filter(|name| *name != "debug");
    command.args(
        profile
            .map(|name| [OsStr::new("--profile"), name])
            .into_iter()
            .flatten(),
    );
    if !command.status()?.success() {
        return Err("the binaries cannot be built".into());
    }
    Ok(folder.to_owned())
}
