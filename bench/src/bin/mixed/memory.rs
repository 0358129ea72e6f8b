//! What the services have resident: looked at every few seconds, and told beside what was promised.

use std::fs;
use std::time::{Duration, Instant};

use bench::figures::{median, memory_mb};
use bench::table;

use crate::stack::{SERVICES, Stack};

/// Of all four together, in MB.
const LIMIT_MB: f64 = 60.;
/// Of one: what Compose lets it have.
const LIMIT_OF_ONE_MB: f64 = 30.;
/// What the second half may have more in its last quarter than in the one before: samples of a window that is not over
/// are kept in memory, and buffers come and go.
const GROWTH_MB: f64 = 1.;
const PAUSE: Duration = Duration::from_secs(5);

/// One process at one time, in MB.
#[derive(Clone, Copy, Default)]
struct Seen {
    resident: f64,
    /// The heap and stacks, which nobody else has.
    anonymous: f64,
    /// Pages of the program and of files that are mapped.
    of_files: f64,
    /// Pages that others have as well count in part.
    in_part: f64,
}

impl Seen {
    fn of(pid: u32) -> Self {
        Self {
            resident: memory_mb(pid, "VmRSS"),
            anonymous: memory_mb(pid, "RssAnon"),
            of_files: memory_mb(pid, "RssFile") + memory_mb(pid, "RssShmem"),
            in_part: in_part_mb(pid),
        }
    }
}

/// `Pss` of all maps.
fn in_part_mb(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) * 1024. / 1e6
}

/// All looks, the first of them before the load.
pub(crate) struct Watch {
    pids: Vec<u32>,
    looks: Vec<[Seen; 4]>,
}

impl Watch {
    pub(crate) fn new(stack: &Stack) -> Self {
        let mut watch = Self {
            pids: stack.pids(),
            looks: Vec::new(),
        };
        watch.look();
        watch
    }

    fn look(&mut self) {
        let mut all = [Seen::default(); 4];
        for (seen, pid) in all.iter_mut().zip(&self.pids) {
            *seen = Seen::of(*pid);
        }
        self.looks.push(all);
    }

    /// Looks until then.
    pub(crate) async fn until(&mut self, end: Instant) {
        while Instant::now() + PAUSE < end {
            tokio::time::sleep(PAUSE).await;
            self.look();
        }
        tokio::time::sleep(end.saturating_duration_since(Instant::now())).await;
    }

    /// Prints a row per service and one for all. Whether all is as promised.
    pub(crate) fn print(&self) -> bool {
        let resident = |seen: &Seen| seen.resident;
        let rows: Vec<Row> = (0..SERVICES.len())
            .map(|place| Row {
                name: SERVICES[place],
                course: self.course(|look| resident(&look[place])),
                kernel_peak: Some(memory_mb(self.pids[place], "VmHWM")),
                last: self.looks.last().map_or_else(Seen::default, |look| look[place]),
            })
            .collect();
        let together = Row {
            name: "together",
            course: self.course(|look| look.iter().map(resident).sum()),
            kernel_peak: None,
            last: rows.iter().fold(Seen::default(), |sum, row| Seen {
                resident: sum.resident + row.last.resident,
                anonymous: sum.anonymous + row.last.anonymous,
                of_files: sum.of_files + row.last.of_files,
                in_part: sum.in_part + row.last.in_part,
            }),
        };
        let are_small = rows.iter().all(|row| row.course.peak < LIMIT_OF_ONE_MB);
        let is_within = together.course.peak < LIMIT_MB && together.course.growth < GROWTH_MB;
        let head = [
            "resident, MB",
            "before",
            "peak (kernel's)",
            "third quarter",
            "last quarter",
            "last: heap",
            "files",
            "in part",
        ];
        table::print(&head, rows.iter().chain([&together]).map(Row::cells));
        println!(
            "\npromised: each under {LIMIT_OF_ONE_MB} MB, together under {LIMIT_MB} MB and less than {GROWTH_MB} MB more in the last quarter than in the third"
        );
        are_small && is_within
    }

    fn course(&self, value: impl Fn(&[Seen; 4]) -> f64) -> Course {
        let values: Vec<f64> = self.looks.iter().map(value).collect();
        Course::of(&values)
    }
}

/// How a value went.
#[derive(Clone, Copy)]
struct Course {
    before: f64,
    peak: f64,
    third: f64,
    last: f64,
    growth: f64,
}

impl Course {
    /// Of a value that was looked at in equal steps.
    fn of(values: &[f64]) -> Self {
        let (n, quarter) = (values.len(), values.len() / 4);
        let (third, last) = (
            median(values[n - 2 * quarter..n - quarter].iter().copied()),
            median(values[n - quarter..].iter().copied()),
        );
        Self {
            before: values.first().copied().unwrap_or(f64::NAN),
            peak: values.iter().copied().fold(0., f64::max),
            third,
            last,
            growth: last - third,
        }
    }
}

struct Row {
    name: &'static str,
    course: Course,
    /// `VmHWM`: it sees what comes between two looks.
    kernel_peak: Option<f64>,
    last: Seen,
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let mb = |value: f64| format!("{value:.1}");
        let peak = match self.kernel_peak {
            Some(kernel_peak) => format!("{:.1} ({kernel_peak:.1})", self.course.peak),
            None => mb(self.course.peak),
        };
        let course = &self.course;
        let mut cells = vec![self.name.to_owned(), mb(course.before), peak];
        let rest = [
            course.third,
            course.last,
            self.last.anonymous,
            self.last.of_files,
            self.last.in_part,
        ];
        cells.extend(rest.map(mb));
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_from_a_start() {
        let values = [1., 5., 9., 9., 9., 9., 9., 9.];
        let course = Course::of(&values);
        assert_eq!((course.before, course.peak, course.growth), (1., 9., 0.));
        let growing: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(Course::of(&growing).growth, 25.);
    }
}
