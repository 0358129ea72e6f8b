//! Which alerts a rule asks for.

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A new group.
    Created,
    /// A resolved group came back.
    Reopened,
    /// A known group is far over its own past.
    Spike,
    /// A group reached another multiple of so many reports.
    EveryN,
    /// A snoozed group woke.
    Woken,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Created,
        Self::Reopened,
        Self::Spike,
        Self::EveryN,
        Self::Woken,
    ];

    /// `created`, `reopened`, `spike`, `every_n` or `woken`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Reopened => "reopened",
            Self::Spike => "spike",
            Self::EveryN => "every_n",
            Self::Woken => "woken",
        }
    }

    /// The way back from [`Kind::name`].
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What somebody wants to hear of. The default wants nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Only of this project; none: of all.
    pub project: Option<String>,
    /// Only of this environment; none: of all, and of reports without one.
    pub environment: Option<String>,
    /// New groups.
    pub on_created: bool,
    /// Groups that came back, from being resolved or from a snooze.
    pub on_reopened: bool,
    /// Spikes.
    pub on_spike: bool,
    /// Each time that a group has reached another so many reports; none or 0: never.
    pub every_n: Option<u32>,
}

/// What happened to a group.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// In which way it would be told.
    pub kind: Kind,
    /// The group's.
    pub project: &'a str,
    /// The group's.
    pub environment: Option<&'a str>,
    /// Reports of the group before.
    pub n_before: i64,
    /// And with those that just came.
    pub n_after: i64,
}

impl Rule {
    /// Whether this is to be told.
    pub fn wants(&self, fact: &Fact<'_>) -> bool {
        let is_project = self
            .project
            .as_deref()
            .is_none_or(|project| project == fact.project);
        let is_environment = self.environment.is_none() || self.environment.as_deref() == fact.environment;
        let is_kind = match fact.kind {
            Kind::Created => self.on_created,
            Kind::Reopened | Kind::Woken => self.on_reopened,
            Kind::Spike => self.on_spike,
            Kind::EveryN => self.reached(fact.n_before, fact.n_after),
        };
        is_project && is_environment && is_kind
    }

    /// Whether a multiple of `every_n` lies above `n_before` and not above `n_after`.
    fn reached(&self, n_before: i64, n_after: i64) -> bool {
        let multiples = |count: i64| count.max(0).checked_div(i64::from(self.every_n?));
        multiples(n_after) > multiples(n_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact<'a>(kind: Kind) -> Fact<'a> {
        Fact {
            kind,
            project: "shop",
            environment: Some("prod"),
            n_before: 0,
            n_after: 1,
        }
    }

    fn wanted(rule: &Rule) -> Vec<Kind> {
        let kinds = Kind::ALL.into_iter();
        kinds.filter(|kind| rule.wants(&fact(*kind))).collect()
    }

    #[test]
    fn a_rule_wants_what_it_names() {
        let nothing = Rule::default();
        assert_eq!(wanted(&nothing), []);
        let check = |rule: Rule, expected: &[Kind]| assert_eq!(wanted(&rule), expected, "{rule:?}");
        check(
            Rule {
                on_created: true,
                ..nothing.clone()
            },
            &[Kind::Created],
        );
        check(
            Rule {
                on_reopened: true,
                ..nothing.clone()
            },
            &[Kind::Reopened, Kind::Woken],
        );
        check(
            Rule {
                on_spike: true,
                ..nothing.clone()
            },
            &[Kind::Spike],
        );
        check(
            Rule {
                every_n: Some(1),
                ..nothing.clone()
            },
            &[Kind::EveryN],
        );
    }

    #[test]
    fn a_rule_keeps_to_its_project_and_environment() {
        let wants = |project: Option<&str>, environment: Option<&str>, of: Option<&str>| {
            let rule = Rule {
                project: project.map(str::to_owned),
                environment: environment.map(str::to_owned),
                on_created: true,
                ..Rule::default()
            };
            rule.wants(&Fact {
                environment: of,
                ..fact(Kind::Created)
            })
        };
        assert!(wants(None, None, Some("prod")));
        assert!(wants(None, None, None));
        assert!(wants(Some("shop"), Some("prod"), Some("prod")));
        assert!(!wants(Some("blog"), None, Some("prod")));
        assert!(!wants(None, Some("prod"), Some("staging")));
        assert!(!wants(None, Some("prod"), None));
    }

    #[test]
    fn every_n_counts_multiples_that_were_reached() {
        let wants = |every_n: u32, n_before: i64, n_after: i64| {
            let rule = Rule {
                every_n: Some(every_n),
                ..Rule::default()
            };
            rule.wants(&Fact {
                n_before,
                n_after,
                ..fact(Kind::EveryN)
            })
        };
        assert!(wants(100, 99, 100));
        assert!(wants(100, 50, 350));
        assert!(!wants(100, 100, 101));
        assert!(!wants(100, 100, 199));
        assert!(!wants(0, 0, 1000));
        assert!(!wants(1, -5, 0));
    }

    #[test]
    fn names_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::read(kind.name()), Some(kind));
        }
        assert_eq!(Kind::read("every n"), None);
    }
}
