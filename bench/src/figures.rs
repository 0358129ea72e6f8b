//! Figures of a process and of the machine, from `/proc`, and the few statistics we print.

use std::fs;

/// Ticks of `/proc/*/stat` in a second: `USER_HZ`, 100 on every Linux we know.
const TICKS_PER_SECOND: f64 = 100.;

/// CPU seconds that a process has used, in user and kernel.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold blanks; utime and stime are the 12th and 13th fields after it.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    ticks(fields.split_whitespace().skip(11).take(2))
}

/// CPU seconds that everybody on this machine has used.
pub fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // user, nice, system, idle, iowait, irq, softirq, steal
    let is_busy = |(place, field)| (![3, 4].contains(&place)).then_some(field);
    ticks(fields.take(8).enumerate().filter_map(is_busy))
}

fn ticks<'a>(fields: impl Iterator<Item = &'a str>) -> f64 {
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Resident memory of a process in MB: `VmRSS` now, `VmHWM` at its peak.
pub fn memory_mb(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kb = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) * 1024. / 1e6
}

/// Lets `VmHWM` begin again at what is resident now.
pub fn reset_peak(pid: u32) -> std::io::Result<()> {
    // 5 is "the peak alone": <https://www.kernel.org/doc/html/latest/filesystems/proc.html>, clear_refs.
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(&mut values.into_iter().collect::<Vec<_>>(), 0.5)
}

/// The value below which `share` of all lie; sorts them.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1)) as f64 * share;
    values.get(place.round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_seen() {
        let mut values = [5., 1., 4., 2., 3.];
        assert_eq!(percentile(&mut values, 0.5), 3.);
        assert_eq!(percentile(&mut values, 0.99), 5.);
        assert_eq!(percentile(&mut values, 0.), 1.);
        assert!(median([]).is_nan());
    }

    #[test]
    fn our_own_process_has_figures() {
        let pid = std::process::id();
        // One after the other, while other tests allocate: neither bounds the other exactly.
        assert!(memory_mb(pid, "VmRSS") > 0.5);
        assert!(memory_mb(pid, "VmHWM") > 0.5);
        assert!(cpu_seconds(pid) >= 0. && busy_seconds() > 0.);
    }
}
