//! Medians, ratios and verdicts.

use anyhow::Context;

use super::{
    case::{Case, Figure, Target},
    measure::{Measured, Sample, Written},
};

/// What a case came to.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) case: &'static Case,
    /// In the order of the case's contenders.
    pub(super) rows: Vec<Row>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) written: Vec<Written>,
}

/// The medians of one contender.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) median: Sample,
    /// Tundra's time divided by this contender's, the median over the rounds.
    pub(super) time_ratio: f64,
    /// The same against the time inside the peer, if it is one.
    pub(super) inside_ratio: Option<f64>,
}

/// Whether a target was met.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) target: String,
    pub(super) measured: String,
    pub(super) is_met: bool,
}

impl Summary {
    /// Sums up the runs of a case.
    ///
    /// # Errors
    /// When there are none.
    pub(super) fn of(case: &'static Case, measured: Measured) -> anyhow::Result<Self> {
        let Measured { samples, written } = measured;
        let tundra = samples.first().context("the case has no contender")?;
        let mut rows = Vec::new();
        for (contender, samples) in case.contenders.iter().zip(&samples) {
            rows.push(Row {
                name: contender.name,
                median: Sample {
                    wall: median_of(samples, |sample| Some(sample.wall)).context("no run")?,
                    cpu: median_of(samples, |sample| Some(sample.cpu)).context("no run")?,
                    memory: median_of(samples, |sample| Some(sample.memory)).context("no run")?,
                    size: median_of(samples, |sample| sample.size),
                    inside: median_of(samples, |sample| sample.inside),
                },
                time_ratio: ratio(tundra, samples, |sample| Some(sample.wall)).context("no run")?,
                inside_ratio: ratio(tundra, samples, |sample| sample.inside.or(Some(sample.wall)))
                    .filter(|_| samples.iter().all(|sample| sample.inside.is_some())),
            });
        }
        let mut verdicts = Vec::new();
        for target in case.targets {
            verdicts.push(judge(*target, case, &samples)?);
        }
        Ok(Self { case, rows, verdicts, written })
    }
}

fn judge(target: Target, case: &Case, samples: &[Vec<Sample>]) -> anyhow::Result<Verdict> {
    match target {
        Target::Ratio { of, peer, at_most } => {
            let theirs = samples_of(peer, case, samples)?;
            let value = ratio(&samples[0], theirs, |sample| figure(of, sample))
                .with_context(|| format!("no {} to compare", name_of(of)))?;
            Ok(Verdict {
                target: format!("{} at most {at_most:.2} of {peer}'s", name_of(of)),
                measured: format!("{value:.3}"),
                is_met: is_at_most(value, at_most),
            })
        }
        Target::Fastest { at_most } => {
            // Whoever it is least an advantage against.
            let (peer, value) = case.contenders[1..]
                .iter()
                .zip(&samples[1..])
                .filter_map(|(peer, theirs)| {
                    Some((peer.name, ratio(&samples[0], theirs, |sample| Some(sample.wall))?))
                })
                .max_by(|(_, one), (_, other)| one.total_cmp(other))
                .context("no peer to compare")?;
            Ok(Verdict {
                target: format!("time at most {at_most:.2} of the fastest peer's"),
                measured: format!("{value:.3} ({peer})"),
                is_met: is_at_most(value, at_most),
            })
        }
        Target::Milliseconds { below } => {
            let value =
                1000.0 * median_of(&samples[0], |sample| Some(sample.wall)).context("no run")?;
            Ok(Verdict {
                target: format!("under {below:.0} ms"),
                measured: format!("{value:.1} ms"),
                is_met: value < below,
            })
        }
        Target::Megabytes { at_most } => {
            let value = samples[0].iter().map(|sample| sample.memory / 1e6).fold(0.0, f64::max);
            Ok(Verdict {
                target: format!("never more than {at_most:.0} MB of memory"),
                measured: format!("{value:.1} MB"),
                is_met: value <= at_most,
            })
        }
        Target::MoreMegabytes { peer, at_most } => {
            let theirs = samples_of(peer, case, samples)?;
            let more = samples[0].iter().zip(theirs);
            let more = more.map(|(ours, theirs)| (ours.memory - theirs.memory) / 1e6).collect();
            let value = median(more).context("no run")?;
            Ok(Verdict {
                target: format!("at most {at_most:.0} MB of memory more than {peer}"),
                measured: format!("{value:.1} MB"),
                is_met: value <= at_most,
            })
        }
    }
}

/// As exact as it is shown: two runs of one program differ by more.
fn is_at_most(value: f64, limit: f64) -> bool {
    (value * 1000.0).round() <= (limit * 1000.0).round()
}

fn samples_of<'a>(
    peer: &str,
    case: &Case,
    samples: &'a [Vec<Sample>],
) -> anyhow::Result<&'a [Sample]> {
    let index = case.contenders.iter().position(|contender| contender.name == peer);
    let index = index.with_context(|| format!("`{peer}` takes no part in `{}`", case.name))?;
    Ok(&samples[index])
}

fn name_of(figure: Figure) -> &'static str {
    match figure {
        Figure::Time => "time",
        Figure::Memory => "peak memory",
        Figure::Size => "output size",
    }
}

fn figure(figure: Figure, sample: &Sample) -> Option<f64> {
    match figure {
        Figure::Time => Some(sample.wall),
        Figure::Memory => Some(sample.memory),
        Figure::Size => sample.size,
    }
}

/// Returns the median of the ratios within each round.
fn ratio(
    ours: &[Sample],
    theirs: &[Sample],
    value: impl Fn(&Sample) -> Option<f64>,
) -> Option<f64> {
    let ratios: Option<Vec<f64>> =
        ours.iter().zip(theirs).map(|(ours, theirs)| Some(value(ours)? / value(theirs)?)).collect();
    median(ratios?)
}

fn median_of(samples: &[Sample], value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
    let values: Option<Vec<f64>> = samples.iter().map(value).collect();
    median(values?)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        return Some(values[middle]);
    }
    Some((values.get(middle.checked_sub(1)?)? + values[middle]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::bench::case::cases;

    fn took(wall: f64) -> Sample {
        Sample { wall, cpu: wall, memory: 100.0, size: Some(10.0), inside: None }
    }

    fn peer(wall: f64) -> Sample {
        Sample { inside: Some(wall - 0.5), ..took(wall) }
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine slowed down to a third: each round has its own ratio, and all are 2.
        let ours = [took(2.0), took(6.0), took(2.0)];
        let theirs = [took(1.0), took(3.0), took(1.0)];
        assert_eq!(ratio(&ours, &theirs, |sample| Some(sample.wall)), Some(2.0));
    }

    #[test]
    fn memory_is_judged_by_the_run_that_took_most() {
        let case = cases().find(|case| case.name == "memory").unwrap();
        let samples = |most: f64| {
            let with = |megabytes: f64| Sample { memory: 1e6 * megabytes, ..took(1.0) };
            vec![vec![with(600.0), with(most), with(600.0)]]
        };

        let judge = |most| {
            let measured = Measured { samples: samples(most), written: Vec::new() };
            Summary::of(case, measured).unwrap().verdicts.remove(0)
        };

        assert!(judge(700.0).is_met);
        assert!(!judge(701.0).is_met);
        assert_eq!(judge(701.0).measured, "701.0 MB");
    }

    #[test]
    fn the_fastest_peer_is_the_one_that_is_closest_in_the_same_rounds() {
        let case = cases().find(|case| case.name == "mariadb").unwrap();
        let rounds = |walls: [f64; 3]| walls.map(took).to_vec();
        // The third peer is the slowest of all once, and never else.
        let samples =
            vec![rounds([1.0; 3]), rounds([4.0; 3]), rounds([2.0; 3]), rounds([1.6, 9.0, 1.6])];
        let mut summary = Summary::of(case, Measured { samples, written: Vec::new() }).unwrap();
        let verdict = summary.verdicts.remove(0);
        assert_eq!(verdict.target, "time at most 0.75 of the fastest peer's");
        assert_eq!(verdict.measured, "0.625 (ConnectorX on 4 partitions)");
        assert!(verdict.is_met);
    }

    #[test]
    fn targets_are_judged_by_whole_processes_and_the_inner_time_is_told() {
        let samples = vec![vec![took(1.0)], vec![peer(1.0)], vec![peer(2.0)]];
        let case = cases().next().unwrap();
        let summary = Summary::of(case, Measured { samples, written: Vec::new() }).unwrap();
        assert!(summary.verdicts.iter().all(|verdict| verdict.is_met));
        assert_eq!(summary.verdicts[0].target, "time at most 1.05 of DuckDB's");
        assert_eq!(summary.rows[1].time_ratio, 1.0);
        assert_eq!(summary.rows[1].inside_ratio, Some(2.0));
        assert_eq!(summary.rows[0].inside_ratio, None);

        let slow = vec![vec![took(1.1)], vec![peer(1.0)], vec![peer(2.0)]];
        let summary = Summary::of(case, Measured { samples: slow, written: Vec::new() }).unwrap();
        assert_eq!(summary.verdicts[0].measured, "1.100");
        assert!(!summary.verdicts[0].is_met);
    }
}
