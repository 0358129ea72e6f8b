//! What a key may do.

use std::fmt;

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Send data in.
    Ingest,
    /// Look at data.
    Read,
    /// Change and delete; implies the others.
    Admin,
}

/// Every scope, least powerful first.
const ALL: [Scope; 3] = [Scope::Ingest, Scope::Read, Scope::Admin];

impl Scope {
    /// The scope called `ingest`, `read` or `admin`.
    pub fn from_name(name: &str) -> Option<Scope> {
        ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Its name in `API_KEYS_FILE`.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Read => "read",
            Scope::Admin => "admin",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Scope::Ingest => 1,
            Scope::Read => 2,
            Scope::Admin => 4,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything.
    pub const ALL: Scopes = Scopes(7);
    /// Nothing.
    pub const NONE: Scopes = Scopes(0);

    /// Whether this set permits `scope`.
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What both sets permit.
    pub fn intersection(self, other: Scopes) -> Scopes {
        Scopes(self.0 & other.0)
    }

    /// Whether it permits nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as one byte, for a session.
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// The set of a byte from [`Scopes::bits`].
    pub(crate) fn from_bits(bits: u8) -> Option<Scopes> {
        (bits & !Scopes::ALL.0 == 0).then_some(Scopes(bits))
    }
}

impl FromIterator<Scope> for Scopes {
    /// Admin brings the others along.
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        let bits = scopes.into_iter().fold(0, |bits, scope| bits | scope.bit());
        if bits & Scope::Admin.bit() != 0 {
            Scopes::ALL
        } else {
            Scopes(bits)
        }
    }
}

impl fmt::Display for Scopes {
    /// `ingest,read`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: Vec<&str> = ALL
            .into_iter()
            .filter(|scope| self.allow(*scope))
            .map(Scope::name)
            .collect();
        f.write_str(&held.join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_implies_the_others_and_they_do_not_imply_it() {
        let check = |scopes: &[Scope], expected: &str| {
            let set: Scopes = scopes.iter().copied().collect();
            assert_eq!(set.to_string(), expected);
            assert_eq!(Scopes::from_bits(set.bits()), Some(set));
        };
        check(&[], "");
        check(&[Scope::Read], "read");
        check(&[Scope::Read, Scope::Ingest, Scope::Read], "ingest,read");
        check(&[Scope::Admin], "ingest,read,admin");
        assert_eq!(Scopes::from_bits(8), None);
        assert!(Scopes::NONE.is_empty());
    }

    #[test]
    fn names_are_exact() {
        for scope in ALL {
            assert_eq!(Scope::from_name(scope.name()), Some(scope));
        }
        assert_eq!(Scope::from_name("Admin"), None);
        assert_eq!(Scope::from_name(""), None);
    }
}
