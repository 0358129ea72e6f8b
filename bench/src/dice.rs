//! Dice that fall the same in every run.

/// SplitMix64's last step: consecutive numbers become dice.
pub fn scramble(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// As many throws as are needed, all decided by the seed.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Other seeds, other throws.
    pub fn new(seed: u64) -> Self {
        Self(scramble(seed))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        scramble(self.0)
    }

    /// One of `0..n`, all as likely.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// One of `0..n`; the `k`th about as likely as 1 / (k + 1): a few are thrown very often.
    pub fn zipf(&mut self, n: u64) -> u64 {
        // The integral of 1/x is the logarithm, so its inverse, the power, makes 1/x of equal parts.
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (((n + 1) as f64).powf(share) as u64 - 1).min(n - 1)
    }

    /// One of a list, all as likely.
    pub fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_thrown_very_often_and_all_at_times() {
        let mut dice = Dice::new(1);
        let mut counts = [0_u32; 100];
        for _ in 0..100_000 {
            counts[dice.zipf(100) as usize] += 1;
        }
        // ln 2 / ln 101 = 15 %, and ln(101 / 100) / ln 101 = 0.2 %.
        assert!((14_000..16_000).contains(&counts[0]), "{}", counts[0]);
        assert!((100..350).contains(&counts[99]), "{}", counts[99]);
    }
}
