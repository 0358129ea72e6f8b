//! Keeps glibc from giving each thread a heap of its own: each of these "arenas" holds on to what it once had,
//! which costs our services more memory than all they keep (`docs/decisions/0022-one-heap.md`, `0028-memory-under-load.md`).

use std::os::unix::process::CommandExt;
use std::process::Command;

/// glibc reads it before `main`.
const VARIABLE: &str = "MALLOC_ARENA_MAX";
/// Says the same, and more, in newer words.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// Starts this program again, in the same process, with one arena for all threads, unless the environment says
/// something of arenas already. To be called before anything else is begun. Where it cannot be done, nothing
/// happens: more memory is used.
pub(crate) fn limit_arenas() {
    let is_said = [VARIABLE, TUNABLES]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if is_said || cfg!(not(target_env = "gnu")) {
        return;
    }
    let mut arguments = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.next()) else {
        return;
    };
    // Comes back only when it failed.
    let _ = Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(VARIABLE, "1")
        .exec();
}
