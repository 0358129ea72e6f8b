//! Which sessions were on which page in which hour, in memory since the last round of writing.

use std::collections::BTreeMap;

use crate::domain::batch::Visit;
use crate::domain::distinct::Distinct;
use crate::domain::labels::OTHER;

/// Pages of one hour and project, at most; the rest is one.
const MAX_PAGES: usize = 500;
/// Pages of all hours and projects, at most: 8 MB. Of what comes beyond nothing is counted until all is written.
const MAX_SETS: usize = 4_000;

/// Hour since 1970, and project, empty for none.
type Group = (i64, Box<str>);

/// See the head of this file.
#[derive(Debug, Default, Clone)]
pub struct Visits {
    groups: BTreeMap<Group, BTreeMap<Box<str>, Distinct>>,
    n_sets: usize,
}

impl Visits {
    /// Counts a visit, once however often it comes.
    pub fn add(&mut self, visit: &Visit) {
        let group = (visit.hour, visit.project.clone().unwrap_or_default());
        let pages = self.groups.get(&group);
        let is_over = pages.is_some_and(|pages| pages.len() >= MAX_PAGES && !pages.contains_key(&visit.page));
        let page = if is_over { OTHER } else { &visit.page };
        let is_new = pages.is_none_or(|pages| !pages.contains_key(page));
        if is_new && self.n_sets >= MAX_SETS {
            return;
        }
        self.n_sets += usize::from(is_new);
        self.groups
            .entry(group)
            .or_default()
            .entry(page.into())
            .or_default()
            .add(visit.session);
    }

    /// Hour, project, page and the sessions there.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &str, &str, &Distinct)> {
        self.groups.iter().flat_map(|((hour, project), pages)| {
            pages
                .iter()
                .map(move |(page, sessions)| (*hour, &**project, &**page, sessions))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(page: usize, session: u64) -> Visit {
        Visit {
            hour: 7,
            project: None,
            page: format!("/{page}").into(),
            session,
        }
    }

    #[test]
    fn a_session_counts_once_on_each_page_and_pages_are_bounded() {
        let mut visits = Visits::default();
        for _ in 0..3 {
            visits.add(&visit(1, 5));
            visits.add(&visit(2, 5));
            visits.add(&visit(1, 6));
        }
        let found: Vec<_> = visits
            .iter()
            .map(|(hour, _, page, sessions)| (hour, page, sessions.count()))
            .collect();
        assert_eq!(found, [(7, "/1", 2), (7, "/2", 1)]);
        (0..2 * MAX_PAGES).for_each(|page| visits.add(&visit(page, page as u64)));
        assert_eq!(visits.iter().count(), MAX_PAGES + 1);
    }

    #[test]
    fn all_hours_together_are_bounded() {
        let mut visits = Visits::default();
        for hour in 0..20_i64 {
            (0..MAX_PAGES).for_each(|page| {
                visits.add(&Visit {
                    hour,
                    ..visit(page, 1)
                })
            });
        }
        assert_eq!(visits.iter().count(), MAX_SETS);
    }
}
