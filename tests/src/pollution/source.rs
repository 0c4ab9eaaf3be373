//! The tables that are damaged: our own, and nobody's data.
//!
//! [`shipments`] has what makes reading hard: leading zeros, line breaks in cells, letters beyond
//! ASCII. [`prices`] has what makes *repairing* hard and real files are full of: money, dates with the
//! day first, apostrophes and inch marks in text, a backslash, two texts side by side.

use std::sync::Arc;

use crate::pollution::Expected;

/// A clean table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The names of the columns.
    pub header: Vec<Cell>,
    /// The rows, each as wide as the header.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell, and how the file is written that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Whether it stands in quotes; always so with a comma, a quote or a line break in it.
    pub quoted: bool,
}

impl Cell {
    /// Quotes only what needs it.
    fn bare(text: impl Into<String>) -> Self {
        let text = text.into();
        let quoted = text.contains([',', '"', '\n']);
        Self { text, quoted }
    }

    fn quoted(text: impl Into<String>) -> Self {
        Self { text: text.into(), quoted: true }
    }
}

impl Source {
    /// Returns the names and the rows.
    pub(super) fn lines(&self) -> Vec<&[Cell]> {
        std::iter::once(&self.header).chain(&self.rows).map(Vec::as_slice).collect()
    }

    /// Returns the table as it should come out.
    pub(super) fn expected(&self) -> Arc<Expected> {
        Arc::new(Expected {
            header: texts(&self.header),
            rows: self.rows.iter().map(|row| texts(row)).collect(),
        })
    }
}

/// Returns what cells say.
pub(super) fn texts(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|cell| cell.text.clone()).collect()
}

/// Takes an entry by a number that may be beyond the end.
fn pick<'a>(from: &[&'a str], number: usize) -> &'a str {
    from[number % from.len()]
}

/// Returns a time of day.
fn time(minutes: usize) -> String {
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// Returns 85 rows of 10 columns about parcels that were sent.
#[must_use]
pub fn shipments() -> Source {
    const SERIES: [&str; 5] = ["QF", "ZL", "NB", "TK", "WV"];
    const LETTERS: [&str; 4] = ["A", "B", "C", "D"];
    const CONTENTS: [&str; 19] = [
        "Garden shears",
        "Kettle, enamelled",
        "Sewing machine",
        "Bücher (antiquarisch)",
        "Ladder, 3 m, aluminium",
        "Paint \"Abendrot\"",
        "Bicycle pump",
        "Café set for six",
        "Roof tiles",
        "Mirror, round, 40\"",
        "Wool blankets",
        "Piñata and streamers",
        "Spare parts, assorted",
        "Typewriter",
        "Seed potatoes",
        "Åland linen",
        "Door hinges, brass",
        "Lampshade",
        "Chess set",
    ];
    const OPENINGS: [&str; 11] = [
        "The driver rang twice",
        "Please keep this one upright",
        "Packed in straw, then in a crate",
        "The customer's neighbour took it in",
        "Collected late because of the snow",
        "Two of the straps were loose",
        "Marked \"fragile\" on all sides",
        "Returned once and sent again",
        "Weighed at the depot",
        "The label had come off",
        "Sealed by customs",
    ];
    const DETAILS: [&str; 13] = [
        "nobody was at home",
        "the box shows a dent at the corner",
        "the reference is on the lid, not on the side",
        "a signature was given",
        "it's heavier than declared",
        "the second attempt is tomorrow",
        "the lift was out of order, so it stayed on the ground floor",
        "the invoice lies inside",
        "delivery was agreed for the morning",
        "the recipient asked for another address",
        "no damage could be seen",
        "see the photographs",
        "the pallet is shared with three others",
    ];
    const ENDINGS: [&str; 7] = [
        ".",
        ", and the depot knows.",
        "; nothing more to report.",
        ", as always.",
        " (checked).",
        ".\nSecond line: call before noon.",
        ", which took a while.",
    ];
    let header = ["Shipment", "SentOn", "At", "PARCELS", "WeightKg", "ShelfCode", "Contents"]
        .map(Cell::bare)
        .into_iter()
        .chain(["DriverNote", "Tracking"].map(Cell::quoted))
        .chain([Cell::bare("Remark")])
        .collect();
    let row = |i: usize| {
        let hundredths = 45 + i * 1373 % 9_400;
        // Few notes have a second line.
        let ending = if i % 28 == 5 { 5 } else { [0, 1, 2, 3, 4, 6][i % 6] };
        vec![
            Cell::bare(format!("{:05}", 417 + i * 13)),
            Cell::bare(format!("2023-{:02}-{:02}", 2 + i / 15, 1 + i % 15 + i % 2 * 12)),
            Cell::bare(time(i * 37 + 11)),
            Cell::bare((i * 7 % 23).to_string()),
            Cell::bare(format!("{}.{:02}", hundredths / 100, hundredths % 100)),
            Cell::bare(format!(
                "{}-{}-{}",
                pick(&SERIES, i * 2),
                10 + i * 17 % 90,
                pick(&LETTERS, i * 3 + i / 4)
            )),
            Cell::bare(pick(&CONTENTS, i * 5)),
            Cell::quoted(format!(
                "{}: {}{}",
                pick(&OPENINGS, i * 3),
                pick(&DETAILS, i * 4),
                ENDINGS[ending]
            )),
            Cell::quoted(format!("https://track.example.org/p/{}?lane={}", 417 + i * 13, i % 4)),
            Cell::bare(match i {
                20 => "damaged box",
                58 => "left at no. 5",
                _ => "",
            }),
        ]
    };
    Source { header, rows: (0..85).map(row).collect() }
}

/// Returns 83 rows of 9 columns about things for sale, in ASCII and without line breaks.
#[must_use]
pub fn prices() -> Source {
    const SERIES: [&str; 6] = ["LM", "DV", "KO", "PX", "EB", "SU"];
    const KINDS: [&str; 23] = [
        "Carpenter's Hammer",
        "Wall Clock",
        "Folding Ruler, Beech",
        "Gardener's Gloves",
        "Rain Barrel",
        "Picture Frame, 12\" Oak",
        "Beekeeper's Smoker Kit",
        "Door Mat",
        "Water Can, Galvanised",
        "Cast Iron Pan, 10\"",
        "Children's Wheelbarrow",
        "Oil Lamp",
        "Bird Bath, Stone",
        "Painter's Brush Set",
        "Cork Board",
        "Copper Pipe, 2\" Bend",
        "Baker's Peel",
        "Egg Timer",
        "Kneeling Pad, Green",
        "Sailor's Knife",
        "Tool Belt",
        "Bench Vice",
        "Weather Vane, Cockerel",
    ];
    const PRAISE: [&str; 12] = [
        "Made by hand in a small workshop",
        "You'll wonder how you did without it",
        "Sturdy, plain and honest",
        "A favourite of professionals",
        "Turned from one piece, oiled twice",
        "Our customers' first choice",
        "Light enough for every day",
        "Built for rough weather, mud and rain",
        "Small in the bag, big at work",
        "The shape hasn't changed since 1911",
        "Forged, ground and polished",
        "Quiet and exact",
    ];
    const FACTS: [&str; 11] = [
        "comes with a spare part and a 5 year guarantee",
        "holds up to 12 kg",
        "fits most brackets and rails",
        "with leather strap, brass buckle and case",
        "cleans with a damp cloth",
        "measured against the old master, which we still own",
        "weighs only 340 g",
        "for the left hand too",
        "tested to 80% more than the norm asks",
        "in three sizes, two colours",
        "stays sharp for years",
    ];
    let header = ["Day", "Hour", "UNITS", "ItemCode", "Cost", "ItemKind"]
        .map(Cell::bare)
        .into_iter()
        .chain(["ItemText", "Link"].map(Cell::quoted))
        .chain([Cell::bare("Remarks")])
        .collect();
    let row = |i: usize| {
        let series = pick(&SERIES, i + i / 9);
        let number = 1000 + i * 733 % 9000;
        let cents = 95 + i * 1187 % 8_900;
        vec![
            Cell::bare(format!("{:02}/{:02}/2021", 13 + i % 15, 1 + i / 15)),
            Cell::bare(time(i * 15)),
            Cell::bare((i * 5 % 31).to_string()),
            Cell::bare(format!("{series}-{number}")),
            Cell::bare(format!("${}.{:02}", cents / 100, cents % 100)),
            Cell::bare(pick(&KINDS, i * 3)),
            Cell::quoted(match i {
                // The backslash is text.
                12 => "A pole of 7\\'2\" for the tallest of walls, packed in one piece.".to_owned(),
                _ => format!("{}: {}.", pick(&PRAISE, i * 5), pick(&FACTS, i * 2)),
            }),
            Cell::quoted(format!("https://www.example.com/items/{series}_{number}.html")),
            Cell::bare(if i == 40 { "last ones" } else { "" }),
        ]
    };
    Source { header, rows: (0..83).map(row).collect() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[track_caller]
    fn check(source: &Source, rows: usize, columns: usize) {
        assert_eq!(source.rows.len(), rows);
        for line in source.lines() {
            assert_eq!(line.len(), columns);
            for cell in line {
                assert!(cell.quoted || !cell.text.contains([',', '"', '\n']), "{cell:?}");
                assert_eq!(cell.text, cell.text.trim());
            }
        }
        let distinct: HashSet<_> = source.lines().into_iter().collect();
        assert_eq!(distinct.len(), rows + 1);
    }

    #[test]
    fn shipments_are_a_table_with_every_hazard() {
        let source = shipments();
        check(&source, 85, 10);
        let texts: Vec<&str> = source.rows.iter().flatten().map(|cell| &*cell.text).collect();
        assert_eq!(texts[0], "00417");
        for hazard in ["\n", "\"", ",", "'", "é", "https://", ";"] {
            let count = texts.iter().filter(|text| text.contains(hazard)).count();
            assert!(count > 2, "{hazard:?} is in {count} cells");
        }
    }

    #[test]
    fn prices_are_ascii_in_single_lines() {
        let source = prices();
        check(&source, 83, 9);
        for cell in source.rows.iter().flatten() {
            assert!(cell.text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{cell:?}");
        }
    }
}
