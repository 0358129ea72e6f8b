//! A group of processes that may have only so much memory: a cgroup, of version 1 or 2, in the root of its tree.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

/// Goes when it is dropped and empty.
pub(crate) struct Group {
    folder: PathBuf,
}

impl Group {
    /// Pages of files count as well; the kernel takes those back before it kills.
    pub(crate) fn new(name: &str, limit_bytes: u64) -> Result<Self> {
        let first = Path::new("/sys/fs/cgroup/memory");
        let (root, limit) = match first.is_dir() {
            true => (first, "memory.limit_in_bytes"),
            false => (Path::new("/sys/fs/cgroup"), "memory.max"),
        };
        let folder = root.join(format!("monlight-{}-{name}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = Self { folder };
        fs::write(group.folder.join(limit), limit_bytes.to_string())?;
        Ok(group)
    }

    /// A script that enters the group and becomes the program.
    pub(crate) fn wrap(&self, program: &Path, script: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let procs = self.folder.join("cgroup.procs");
        let text = format!(
            "#!/bin/sh\necho $$ > '{}' || exit 1\nexec '{}' \"$@\"\n",
            procs.display(),
            program.display()
        );
        fs::write(script, text)?;
        Ok(fs::set_permissions(script, fs::Permissions::from_mode(0o755))?)
    }

    /// Processes that the kernel killed for want of memory.
    pub(crate) fn n_kills(&self) -> u64 {
        let text = ["memory.events", "memory.oom_control"]
            .iter()
            .find_map(|name| fs::read_to_string(self.folder.join(name)).ok());
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}
