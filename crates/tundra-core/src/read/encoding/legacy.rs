//! Text that is neither ASCII nor Unicode: the likeliest encoding, and how likely it is.
//!
//! Every encoding says how likely the text would be in it: those of one byte a character by their
//! languages' letters ([`letters`]), the East Asian ones by their frequent characters ([`pairs`]).
//! `chardetng`, the detector of Firefox, which knows pairs of characters, is heard as a witness. A
//! bad byte makes an encoding unlikely, but does not rule it out: one bad cell must not change how
//! all others are read.

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
    let mut fits = pairs::fits(&text);
    // Which of the East Asian ones it is, the witness knows better, when it names one.
    if fits.iter().any(|fit| fit.encoding == witness) {
        fits.retain(|fit| fit.encoding == witness);
    }
    fits.extend(letters::fits(&text));
    if let Some(fit) = fits.iter_mut().find(|fit| fit.encoding == witness) {
        fit.score += WITNESS;
    }
    fits.sort_by(|a, b| b.score.total_cmp(&a.score));
    let best = fits.first().copied().unwrap_or(Fit { encoding: WINDOWS_1252, score: f32::MIN });
    let decoded = decode(best.encoding, &text);
    let high = text.iter().filter(|byte| !byte.is_ascii()).count();
    // Another encoding in which the text is the same is no rival.
    let margin = fits
        .iter()
        .find(|fit| decode(fit.encoding, &text) != decoded)
        .map_or(f32::MAX, |rival| best.score - rival.score);
    let characters =
        decoded.as_ref().map_or(high, |text| text.chars().filter(|c| !c.is_ascii()).count()) as f64;
    let mut confidence = 1.0 / (1.0 + f64::from(-margin * TEMPER).exp());
    // From a character or two nobody could be sure, however well they fit.
    confidence *= characters / (characters + 0.5);
    let mut reason = "the likeliest by the frequency of its characters";
    let has_controls = decoded.as_ref().is_some_and(|text| text.chars().any(is_c1_control));
    if has_controls || best.score < FITTING * high as f32 {
        confidence = confidence.min(0.4);
        reason = "the nearest, but its characters are no usual ones of any language";
    }
    // Nothing but a mark or a check of every byte is certain.
    let confidence = (confidence * 100.0).round().min(99.0) / 100.0;
    Guess { encoding: named(best.encoding, &text), confidence, reason: reason.to_owned() }
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

fn is_c1_control(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}')
}

#[cfg(test)]
mod tests {
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, IBM866, ISO_8859_2, ISO_8859_15, SHIFT_JIS, WINDOWS_1250,
        WINDOWS_1251, WINDOWS_1254, WINDOWS_1257,
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
