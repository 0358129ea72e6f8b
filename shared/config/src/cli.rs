//! The command line: one command, for most services the same. Pure; the caller prints, exits 2 on `Err`.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::near::nearest;

/// What this process was started to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// No argument, or `serve`: run the service.
    Serve,
    /// `--help`, `-h`, `help`, also behind another command.
    Help,
    /// `--version`, `-V`, `version`.
    Version,
    /// `--healthcheck`, `healthcheck`: ask the running service; exit 0 if it is well, else 1.
    Healthcheck,
    /// `ready`: ask the running service whether a write would be stored; exit 0 if so, else 1.
    Ready,
    /// `check-config`: print every setting and its origin, or every problem.
    CheckConfig,
    /// `backup FILE`: write a consistent copy of the database.
    Backup {
        /// Where the copy goes.
        file: PathBuf,
    },
    /// `restore FILE`: put a backup in the database's place.
    Restore {
        /// The backup.
        file: PathBuf,
    },
    /// `login-link`: print a link that signs a browser in once.
    LoginLink,
    /// `check-database`: verify the database file.
    CheckDatabase,
    /// `doctor`: look at all that the service stands on, and say what to do.
    Doctor {
        /// `--json`: for machines.
        json: bool,
    },
    /// `import FILE`: take over a database of the original Monlight.
    Import {
        /// That database.
        file: PathBuf,
    },
}

/// Every spelling, for near matches.
const WORDS: [&str; 17] = [
    "serve",
    "--help",
    "-h",
    "help",
    "--version",
    "-V",
    "version",
    "--healthcheck",
    "healthcheck",
    "ready",
    "check-config",
    "backup",
    "restore",
    "login-link",
    "check-database",
    "doctor",
    "import",
];

/// The command in `arguments`, which come without the program's name. `Err` is a sentence for the user.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let Some(first) = arguments.next() else {
        return Ok(Command::Serve);
    };
    let first = first.to_string_lossy().into_owned();
    let rest: Vec<OsString> = arguments.collect();
    let command = command(&first, rest.first())?;
    if matches!(command, Command::Help) || rest.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Command::Help);
    }
    let takes_one = matches!(
        command,
        Command::Backup { .. }
            | Command::Restore { .. }
            | Command::Import { .. }
            | Command::Doctor { json: true }
    );
    match (command, rest.get(usize::from(takes_one))) {
        (Command::Backup { file }, _) if file.as_os_str().is_empty() => {
            Err("backup needs the file to write: backup FILE".to_owned())
        }
        (Command::Restore { file }, _) if file.as_os_str().is_empty() => {
            Err("restore needs the backup to read: restore FILE".to_owned())
        }
        (Command::Import { file }, _) if file.as_os_str().is_empty() => {
            Err("import needs the database to read: import FILE".to_owned())
        }
        (_, Some(extra)) => Err(format!(
            "unexpected argument '{}' after {first}",
            extra.to_string_lossy()
        )),
        (command, None) => Ok(command),
    }
}

/// The command of one word; `operand` is the word after it.
fn command(word: &str, operand: Option<&OsString>) -> Result<Command, String> {
    Ok(match word {
        "serve" => Command::Serve,
        "--help" | "-h" | "help" => Command::Help,
        "--version" | "-V" | "version" => Command::Version,
        "--healthcheck" | "healthcheck" => Command::Healthcheck,
        "ready" => Command::Ready,
        "check-config" => Command::CheckConfig,
        "backup" => Command::Backup {
            file: operand.cloned().unwrap_or_default().into(),
        },
        "restore" => Command::Restore {
            file: operand.cloned().unwrap_or_default().into(),
        },
        "login-link" => Command::LoginLink,
        "check-database" => Command::CheckDatabase,
        "doctor" => Command::Doctor {
            json: operand.is_some_and(|word| word == "--json"),
        },
        "import" => Command::Import {
            file: operand.cloned().unwrap_or_default().into(),
        },
        unknown => {
            // Who writes an option does not mean a command.
            let alike = WORDS
                .into_iter()
                .filter(|word| word.starts_with('-') == unknown.starts_with('-'));
            return Err(match nearest(unknown, alike) {
                Some(meant) => format!("unknown argument '{unknown}': did you mean {meant}?"),
                None => format!("unknown argument '{unknown}': see --help"),
            });
        }
    })
}

/// How to start `service`, for `--help`; the table of variables goes below it.
pub fn usage(service: &str) -> String {
    format!(
        "\
Usage: {service} [COMMAND]

Commands:
  serve            Run the service (when no command is given).
  healthcheck      Ask the running service whether it is well; exit 0 if so, else 1.
  ready            Ask it whether a write would be stored; exit 0 if so, else 1.
  check-config     Print every setting with its origin, or every problem; exit 0 or 1.
  backup FILE      Write a consistent copy of the database to FILE while the service runs.
  restore FILE     Put a backup in the database's place; the service must be stopped.
  check-database   Verify the database file.
  doctor [--json]  Look at disk, clock, rights, database and all it needs; say what to do.
  import FILE      Take over a database of the original Monlight, while the service is stopped.
  login-link       Print a link that signs a browser in, once, within the hour.
  help, --help     Print this.
  --version        Print the version.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn every_command_has_its_spellings() {
        let check = |line: &str, expected| assert_eq!(parse_line(line), Ok(expected), "{line}");
        check("", Command::Serve);
        check("serve", Command::Serve);
        check("--help", Command::Help);
        check("help serve", Command::Help);
        check("backup --help", Command::Help);
        check("-h", Command::Help);
        check("--version", Command::Version);
        check("-V", Command::Version);
        check("--healthcheck", Command::Healthcheck);
        check("healthcheck", Command::Healthcheck);
        check("ready", Command::Ready);
        check("check-config", Command::CheckConfig);
        check(
            "backup /tmp/copy.db",
            Command::Backup {
                file: "/tmp/copy.db".into(),
            },
        );
        check(
            "restore /tmp/copy.db",
            Command::Restore {
                file: "/tmp/copy.db".into(),
            },
        );
        check("login-link", Command::LoginLink);
        check("check-database", Command::CheckDatabase);
        check("doctor", Command::Doctor { json: false });
        check("doctor --json", Command::Doctor { json: true });
        check(
            "import /old/errors.db",
            Command::Import {
                file: "/old/errors.db".into(),
            },
        );
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        let check =
            |line: &str, expected: &str| assert_eq!(parse_line(line), Err(expected.to_owned()), "{line}");
        check("--hepl", "unknown argument '--hepl': did you mean --help?");
        check(
            "checkconfig",
            "unknown argument 'checkconfig': did you mean check-config?",
        );
        check("--port", "unknown argument '--port': see --help");
        check("-x", "unknown argument '-x': see --help");
        check("backup", "backup needs the file to write: backup FILE");
        check("restore", "restore needs the backup to read: restore FILE");
        check("backup a b", "unexpected argument 'b' after backup");
        check("import", "import needs the database to read: import FILE");
        check("doctor --jsno", "unexpected argument '--jsno' after doctor");
        check("serve now", "unexpected argument 'now' after serve");
    }

    #[test]
    fn every_spelling_is_understood() {
        for word in WORDS {
            assert!(command(word, None).is_ok(), "{word}");
        }
    }
}
