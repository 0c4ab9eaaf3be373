//! How well text of several bytes a character fits the East Asian encodings.
//!
//! Each of them has its frequent characters together: the scripts of syllables, and the ideographs
//! of the first level, which the standards chose by how often they are used. Text in another
//! encoding falls between these ranges.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS};

use super::{
    legacy::{Fit, is_c1_control},
    letters::IMPOSSIBLE,
};

// Logarithms of how likely a character is, whatever it is made of: one out of about 75 syllables,
// out of the 500 Korean ones that are most used, or out of 1,500 ideographs.
const SIGN: f32 = -5.0;
const KANA: f32 = -4.3;
const NARROW_KANA: f32 = -4.3;
const HANGUL: f32 = -6.2;
const FREQUENT: f32 = -7.3;
const RARE: f32 = -10.5;
const STRANGE: f32 = -13.0;
/// A narrow syllable that stands alone, or any character between ASCII letters.
const ALONE: f32 = -5.0;

/// The encodings.
pub(super) const ENCODINGS: [&Encoding; 5] = [SHIFT_JIS, EUC_JP, EUC_KR, GBK, BIG5];

/// Returns how well a text fits the encodings.
pub(super) fn fits(text: &[u8]) -> Vec<Fit> {
    let scales: [Scale; 5] = [shift_jis, euc_jp, euc_kr, gbk, big5];
    ENCODINGS
        .into_iter()
        .zip(scales)
        .map(|(encoding, scale)| {
            let (decoded, _) = encoding.decode_without_bom_handling(text);
            // Shift_JIS has control characters for some bytes.
            let is_bad = |c: &char| *c == char::REPLACEMENT_CHARACTER || is_c1_control(*c);
            let bad = decoded.chars().filter(is_bad).count();
            Fit { encoding, score: score(text, scale) + IMPOSSIBLE * bad as f32 }
        })
        .collect()
}

/// How likely the character is that begins with these bytes, and how many it has.
type Scale = fn(u8, u8) -> (f32, usize);

fn score(text: &[u8], scale: Scale) -> f32 {
    let mut total = 0.0;
    let mut at = 0;
    let mut before = b'\n';
    while let Some(&lead) = text.get(at) {
        if lead.is_ascii() {
            before = lead;
            at += 1;
            continue;
        }
        let (value, length) = scale(lead, text.get(at + 1).copied().unwrap_or(0));
        let behind = text.get(at + length).copied().unwrap_or(b'\n');
        let is_narrow = length == 1 && value == NARROW_KANA;
        let is_alone = before.is_ascii() && behind.is_ascii();
        let is_in_a_word = before.is_ascii_alphabetic() && behind.is_ascii_alphabetic();
        total += value;
        if is_alone && (is_narrow || is_in_a_word) {
            total += ALONE;
        }
        before = lead;
        at += length;
    }
    total
}

fn shift_jis(lead: u8, trail: u8) -> (f32, usize) {
    if matches!(lead, 0xa1..=0xdf) {
        return (NARROW_KANA, 1);
    }
    let value = match (lead, trail) {
        (_, 0..=0x3f | 0x7f | 0xfd..) => return (0.0, 1),
        (0x81, ..=0xac) | (0x82, 0x4f..=0x9a) => SIGN,
        (0x82, 0x9f..) | (0x83, ..=0x96) => KANA,
        (0x88, 0x9f..) | (0x89..=0x97, _) => FREQUENT,
        (0x98..=0x9f | 0xe0..=0xea, _) => RARE,
        _ => STRANGE,
    };
    (value, 2)
}

fn euc_jp(lead: u8, trail: u8) -> (f32, usize) {
    let value = match (lead, trail) {
        (_, ..=0xa0 | 0xff) => return (0.0, 1),
        (0x8e, _) => NARROW_KANA,
        (0x8f, _) => return (STRANGE, 3),
        (0xa1..=0xa3, _) => SIGN,
        (0xa4 | 0xa5, _) => KANA,
        (0xb0..=0xcf, _) => FREQUENT,
        (0xd0..=0xf4, _) => RARE,
        _ => STRANGE,
    };
    (value, 2)
}

fn euc_kr(lead: u8, trail: u8) -> (f32, usize) {
    let value = match (lead, trail) {
        (_, 0..=0x40 | 0x5b..=0x60 | 0x7b..=0x80 | 0xff) => return (0.0, 1),
        (0xa1..=0xa3, 0xa1..) => SIGN,
        (0xb0..=0xc8, 0xa1..) => HANGUL,
        (0xca..=0xfd, 0xa1..) | (0x81..=0xc6, _) => RARE,
        _ => STRANGE,
    };
    (value, 2)
}

fn gbk(lead: u8, trail: u8) -> (f32, usize) {
    let value = match (lead, trail) {
        (_, 0x30..=0x39) => return (STRANGE, 4),
        (_, 0..=0x3f | 0x7f | 0xff) => return (0.0, 1),
        (0xa1..=0xa3, 0xa1..) => SIGN,
        (0xb0..=0xd7, 0xa1..) => FREQUENT,
        (0xd8..=0xf7, 0xa1..) => RARE,
        _ => STRANGE,
    };
    (value, 2)
}

fn big5(lead: u8, trail: u8) -> (f32, usize) {
    let value = match (lead, trail) {
        (_, 0..=0x3f | 0x7f..=0xa0 | 0xff) => return (0.0, 1),
        (0xa1..=0xa3, _) => SIGN,
        (0xa4..=0xc5, _) | (0xc6, ..=0x7e) => FREQUENT,
        (0xc9..=0xf9, _) => RARE,
        _ => STRANGE,
    };
    (value, 2)
}
