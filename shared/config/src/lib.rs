//! Environment variables to typed settings, and the command line to a [`cli::Command`].
//! Pure: the environment and the files come in as functions, nothing is printed, nothing exits.
//! One table serves reading, `--help` and `check-config`, so the three cannot disagree.

pub mod cli;
pub mod process;

mod near;
mod problems;
mod quantity;
mod reader;
mod secret;
mod table;
mod variable;

pub use crate::near::near_misses;
pub use crate::problems::Problems;
pub use crate::quantity::Unit;
pub use crate::reader::Reader;
pub use crate::secret::Secret;
pub use crate::table::{check_table, help_table};
pub use crate::variable::{Origin, Variable};
pub use ipnet::IpNet;
