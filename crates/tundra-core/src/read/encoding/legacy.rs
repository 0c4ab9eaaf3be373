//! Text that is neither ASCII nor Unicode: the likeliest encoding, and how likely it is.
//!
//! Every encoding says how likely the text would be in it: those of one byte a character by their
//! languages' letters ([`letters`]), the East Asian ones by their frequent characters ([`pairs`]).
//! `chardetng`, the detector of Firefox, which knows pairs of characters, is heard as a witness. A
//! bad byte makes an encoding unlikely, but does not rule it out: one bad cell must not change how
//! all others are read.

use std::collections::HashSet;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, GBK, KOI8_R, KOI8_U, WINDOWS_1252};

use super::{letters, pairs};

/// Bytes of lines with other characters than ASCII that are looked at: enough for any evidence,
/// and judged in a few milliseconds.
const LOOKED_AT: usize = 64 << 10;

/// What the witness adds to the score of the encoding it names: about as much as one letter.
const WITNESS: f32 = 3.0;

/// The score of each byte below which a text is of no known language.
const FITTING: f32 = -5.5;

/// What every encoding but windows-1252 has to make up for: most text that is not Unicode is in
/// that one, and it is taken where there is little to go by.
const RARER: f32 = 2.0;

/// The logarithms of likelihood are of models that know single characters only, so the evidence is
/// weaker than they say.
const TEMPER: f32 = 0.5;

/// An encoding, and how well a text fits it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    /// The encoding.
    pub(crate) encoding: &'static Encoding,
    /// The logarithm of a likelihood, comparable among the fits of one text.
    pub(crate) score: f32,
}

/// An encoding, and how sure it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guess {
    /// The encoding.
    pub(crate) encoding: &'static Encoding,
    /// From 0 to 1.
    pub(crate) confidence: f64,
    /// Why.
    pub(crate) reason: String,
}

/// Guesses the encoding of a text that is not ASCII. Its last line may be cut.
pub(crate) fn guess(text: &[u8]) -> Guess {
    let text = lines(text);
    let witness = likeliest(&text);
    let (words, patterns) = distinct_words(&text);
    let mut fits = pairs::fits(&words);
    // Which of the East Asian ones it is, the witness knows better, when it names one.
    if fits.iter().any(|fit| fit.encoding == witness) {
        fits.retain(|fit| fit.encoding == witness);
    }
    fits.extend(letters::fits(&words));
    for fit in &mut fits {
        if fit.encoding == witness {
            fit.score += WITNESS;
        }
        if fit.encoding != WINDOWS_1252 {
            fit.score -= RARER;
        }
    }
    fits.sort_by(|a, b| b.score.total_cmp(&a.score));
    let best = fits.first().copied().unwrap_or(Fit { encoding: WINDOWS_1252, score: f32::MIN });
    let decoded = decode(best.encoding, &text);
    let high = words.iter().filter(|byte| !byte.is_ascii()).count();
    // Another encoding in which the text is the same is no rival.
    let margin = fits
        .iter()
        .find(|fit| decode(fit.encoding, &text) != decoded)
        .map_or(f32::MAX, |rival| best.score - rival.score);
    let characters: HashSet<char> =
        decoded.iter().flat_map(|text| text.chars()).filter(|c| !c.is_ascii()).collect();
    let mut confidence = 1.0 / (1.0 + f64::from(-margin * TEMPER).exp());
    let is_wide = pairs::ENCODINGS.contains(&best.encoding);
    confidence *= certainty(patterns, characters.len(), is_wide);
    let mut reason = "the likeliest by the frequency of its characters";
    let has_controls = characters.iter().any(|character| is_c1_control(*character));
    if has_controls || best.score < FITTING * high as f32 {
        confidence = confidence.min(0.4);
        reason = "the nearest, but its characters are no usual ones of any language";
    }
    // Nothing but a mark or a check of every byte is certain.
    let confidence = (confidence * 100.0).round().min(99.0) / 100.0;
    Guess { encoding: named(best.encoding, &text), confidence, reason: reason.to_owned() }
}

/// Returns how sure one can be at all with so many words that differ, and characters in them that
/// differ: the same word a thousand times says no more than once, and a word or two, or one
/// character, would be something in many encodings.
fn certainty(words: usize, characters: usize, is_wide: bool) -> f64 {
    // A long text without blanks is one word and says a lot. Nearly any two bytes are an ideograph
    // somewhere, so that those say less than letters.
    let in_a_row = if is_wide { characters / 4 } else { characters / 3 };
    // And one character says little in however many words.
    let evidence = words.max(in_a_row).min(3 * characters) as f64;
    evidence / (evidence + 1.0)
}

/// Returns each word that is not ASCII once, with what stands around it, a line for each; and how
/// many there are. Numbers are all the same.
fn distinct_words(text: &[u8]) -> (Vec<u8>, usize) {
    let is_inside = |byte: u8| !byte.is_ascii() || byte.is_ascii_alphanumeric();
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if !is_inside(text[at]) {
            at += 1;
            continue;
        }
        let length = text[at..].iter().position(|&byte| !is_inside(byte));
        let end = length.map_or(text.len(), |length| at + length);
        if !text[at..end].is_ascii() {
            // The digit beyond a blank, as in `20 °C`, and what may be half of a character behind it.
            let from = if text[..at].ends_with(b" ") { at.saturating_sub(2) } else { at };
            let word = pattern(&text[from..text.len().min(end + 1)]);
            if seen.insert(word.clone()) {
                words.extend_from_slice(&word);
                words.push(b'\n');
            }
        }
        at = end;
    }
    (words, seen.len())
}

/// Returns a word with a zero for each of its numbers, and without the blanks beside them.
fn pattern(word: &[u8]) -> Vec<u8> {
    let mut pattern: Vec<u8> = Vec::with_capacity(word.len());
    for &byte in word {
        match byte {
            b'0'..=b'9' if pattern.last() == Some(&b'0') => {}
            b'0'..=b'9' => pattern.push(b'0'),
            b' ' if pattern.is_empty() || pattern.last() == Some(&b'0') => {}
            byte => pattern.push(byte),
        }
    }
    pattern
}

fn likeliest(text: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(text, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// Returns the better name where two encodings decode the text alike: KOI8-R unless there are the
/// letters for which KOI8-U was made, and GB18030 where there are the characters of four bytes that
/// GBK does not have.
fn named(encoding: &'static Encoding, text: &[u8]) -> &'static Encoding {
    let is_four_bytes =
        |bytes: &[u8]| matches!(bytes, [0x81..=0xfe, 0x30..=0x39, 0x81..=0xfe, 0x30..=0x39]);
    if encoding == KOI8_U && decode(KOI8_R, text) == decode(KOI8_U, text) {
        KOI8_R
    } else if encoding == GBK && text.windows(4).any(is_four_bytes) {
        GB18030
    } else {
        encoding
    }
}

/// Returns the whole lines that are not ASCII, up to a limit; what there is when none is whole.
fn lines(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n' || byte == b'\r') {
        let is_whole = line.ends_with(b"\n") || line.ends_with(b"\r");
        if !line.is_ascii() && (is_whole || lines.is_empty()) {
            lines.extend_from_slice(&line[..line.len().min(LOOKED_AT - lines.len())]);
        }
        if lines.len() == LOOKED_AT {
            break;
        }
    }
    lines
}

fn decode(encoding: &'static Encoding, text: &[u8]) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(text)?;
    Some(text.into_owned())
}

/// Returns whether it is a control character that stands in no text.
pub(super) fn is_c1_control(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}')
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, IBM866, ISO_8859_2, ISO_8859_5, ISO_8859_15, ISO_8859_16, MACINTOSH,
        SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255,
        WINDOWS_1256, WINDOWS_1257, X_MAC_CYRILLIC,
    };

    use super::*;

    #[track_caller]
    fn guessed(encoding: &'static Encoding, text: &str) -> Guess {
        let (bytes, _, has_unmappable) = encoding.encode(text);
        assert!(!has_unmappable, "{text}");
        guess(&bytes)
    }

    #[track_caller]
    fn check(encoding: &'static Encoding, text: &str) {
        let guess = guessed(encoding, text);
        assert_eq!(guess.encoding.name(), encoding.name(), "{text}");
        assert!(guess.confidence >= 0.7, "{text}: {}", guess.confidence);
    }

    #[test]
    fn a_few_names_are_enough() {
        check(WINDOWS_1252, "Müller\nJosé Núñez\nÅsa Öberg\nFrançois Lefèvre\n");
        check(WINDOWS_1250, "Dvořák\nŁukasz\nErdős\nŠimon Žižka\n");
        check(ISO_8859_2, "Tomáš Dvořák\nŽofie Černá\nŠtěpán Růžička\n");
        check(WINDOWS_1257, "Jānis Bērziņš\nLīga Kalniņa\nĒriks Ozoliņš\n");
        check(WINDOWS_1254, "Işık Yıldız\nÇağla Şahin\nGökçe Güneş\n");
        check(WINDOWS_1251, "МОСКВА\nКАЗАНЬ\nПЕРМЬ\n");
        check(WINDOWS_1251, "Москва\nКазань\nПермь\n");
        check(KOI8_R, "Москва\nКазань\nПермь\n");
        check(IBM866, "Москва\nКазань\nПермь\n");
        check(SHIFT_JIS, "山田太郎\n佐藤花子\n東京都\n");
        check(SHIFT_JIS, "ﾔﾏﾀﾞ ﾀﾛｳ\nｻﾄｳ ﾊﾅｺ\nｽｽﾞｷ ｲﾁﾛｳ\nﾀｶﾊｼ\nﾎｯｶｲﾄﾞｳ\n");
        check(EUC_JP, "山田太郎\n佐藤花子\n東京都\n");
        check(EUC_KR, "김철수\n이영희\n서울특별시\n");
        check(GBK, "北京市\n上海市\n广州市\n深圳市\n");
        check(BIG5, "臺北市\n高雄市\n臺中市\n新竹縣\n");
    }

    #[test]
    fn signs_tell_the_euro_from_the_currency_sign() {
        check(ISO_8859_15, "Prix réduit\n5 € la pièce\nà Besançon\n12 €\n");
        check(WINDOWS_1252, "Prix réduit\n5 € la pièce\nà Besançon\n12 €\n");
    }

    #[test]
    fn one_letter_is_not_enough() {
        let guess = guessed(WINDOWS_1252, "1,Zürich\n");
        assert_eq!(guess.encoding, WINDOWS_1252);
        assert!(guess.confidence < 0.7, "{}", guess.confidence);
    }

    /// The word of a column that says the same in every record is right or known to be a guess, in
    /// whichever encoding it is.
    #[test]
    fn one_word_a_thousand_times_is_no_more_than_one_word() {
        let encodings: [&[&'static Encoding]; 4] = [
            &[WINDOWS_1252, ISO_8859_15, MACINTOSH, WINDOWS_1254, WINDOWS_1257],
            &[WINDOWS_1250, ISO_8859_2, ISO_8859_16],
            &[WINDOWS_1251, KOI8_R, KOI8_U, IBM866, ISO_8859_5, X_MAC_CYRILLIC],
            &[SHIFT_JIS, EUC_JP, EUC_KR, GBK, BIG5, WINDOWS_1253, WINDOWS_1255, WINDOWS_1256],
        ];
        let words = [
            "£5",
            "20 °C",
            "m²",
            "N°5",
            "5 €",
            "€",
            "36\u{a0}000",
            "It’s",
            "D’Angelo",
            "5 – 7",
            "…",
            "§ 5",
            "5 µm",
            "México",
            "Nîmes",
            "São Paulo",
            "Zürich",
            "Café",
            "Gdańsk",
            "Győr",
            "Plzeň",
            "İzmir",
            "Rīga",
            "5 руб.",
            "шт",
            "Москва",
            "Київ",
            "女",
            "元",
            "5元",
            "東京",
            "台北",
            "円",
            "서울",
            "원",
            "ｱ",
            "カ",
            "株式会社",
            "Αθήνα",
            "שלום",
            "نعم",
        ];
        for encoding in encodings.concat() {
            for word in words {
                let column: String = (1..300).map(|n| format!("{n};{word}\n")).collect();
                for text in [column, format!("id;{word}\n1;2\n3;4\n")] {
                    let (bytes, _, has_unmappable) = encoding.encode(&text);
                    // What is valid UTF-8 is judged elsewhere.
                    if has_unmappable || std::str::from_utf8(&bytes).is_ok() {
                        continue;
                    }
                    let guess = guess(&bytes);
                    let is_right = decode(guess.encoding, &bytes).as_ref() == Some(&text);
                    assert!(
                        is_right || guess.confidence < 0.7,
                        "{word} in {} is {} with {}",
                        encoding.name(),
                        guess.encoding.name(),
                        guess.confidence
                    );
                }
            }
        }
    }

    #[test]
    fn signs_beside_numbers_are_those_of_the_usual_encoding() {
        for word in
            ["£5", "20 °C", "m²", "5 €", "36\u{a0}000", "It’s", "5 – 7", "São Paulo", "México"]
        {
            let column: String = (1..300).map(|n| format!("{n};{word}\n")).collect();
            assert_eq!(guessed(WINDOWS_1252, &column).encoding, WINDOWS_1252, "{word}");
        }
    }

    #[test]
    fn what_is_no_language_is_not_believed() {
        let noise: Vec<u8> =
            (0..2000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
        assert!(guess(&noise).confidence <= 0.4);
        // A control character stands in no text of windows-1252, though it has bytes for some.
        let guess = guess(b"caf\xe9, gar\xe7on\x81, d\xe9j\xe0\n");
        assert!(guess.confidence <= 0.4, "{guess:?}");
    }

    #[test]
    fn a_bad_byte_rules_nothing_out() {
        let names = "山田太郎\n佐藤花子\n東京都\n大阪府\n北海道\n";
        let mut bytes = SHIFT_JIS.encode(names).0.into_owned();
        bytes.extend_from_slice(b"\xfd\n");
        assert_eq!(guess(&bytes).encoding, SHIFT_JIS);
    }

    #[test]
    fn lines_are_looked_at_whole_and_up_to_a_limit() {
        assert_eq!(lines(b"a\nb\xfc\nc\n\xe4\n\xf6"), b"b\xfc\n\xe4\n");
        assert_eq!(lines(b"only \xfc"), b"only \xfc");
        assert_eq!(lines(&b"b\xfc\n".repeat(LOOKED_AT)).len(), LOOKED_AT);
    }
}
