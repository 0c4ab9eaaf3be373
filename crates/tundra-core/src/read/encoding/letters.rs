//! How well text of one byte a character fits the alphabets of languages.
//!
//! Pairs of characters, by which the detector of Firefox decides, tell scripts apart well, but not
//! Hungarian, Lithuanian or Latvian from Western European languages, and nothing from a few words.
//! An alphabet does: no language has `õ` beside `á` and `ö`, but Hungarian has `ő` there. So every
//! encoding is scored with every language that it was made for, by the frequency of its letters,
//! and the scores are logarithms of likelihoods: their differences say how sure the best one is.

use encoding_rs::{
    Encoding, IBM866, ISO_8859_2, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_13,
    ISO_8859_15, ISO_8859_16, KOI8_R, KOI8_U, MACINTOSH, WINDOWS_874, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257,
    WINDOWS_1258, X_MAC_CYRILLIC,
};

use super::legacy::Fit;

/// A language or several: the letters that are no ASCII, the frequent ones first, and the encodings
/// in which it is written, the likelier first.
type Language = (&'static str, &'static [&'static Encoding]);

const WESTERN: &[&Encoding] = &[WINDOWS_1252, ISO_8859_15, MACINTOSH];
const CENTRAL: &[&Encoding] = &[WINDOWS_1250, ISO_8859_2, ISO_8859_16];
const BALTIC: &[&Encoding] = &[WINDOWS_1257, ISO_8859_13, ISO_8859_4];
const RUSSIAN: &[&Encoding] = &[WINDOWS_1251, KOI8_R, IBM866, ISO_8859_5, X_MAC_CYRILLIC];
const UKRAINIAN: &[&Encoding] = &[WINDOWS_1251, KOI8_U, ISO_8859_5, X_MAC_CYRILLIC];
const CYRILLIC: &[&Encoding] = &[WINDOWS_1251, ISO_8859_5, X_MAC_CYRILLIC];

const LANGUAGES: [Language; 37] = [
    // French, German, Spanish, Portuguese, Italian, Dutch, Catalan.
    ("éèàêçôùîâûœëïüÿæ", WESTERN),
    ("üäöß", WESTERN),
    ("óíáéñúü", WESTERN),
    ("ãçáéíóêõâàúôü", WESTERN),
    ("èàùòìé", WESTERN),
    ("ëéèïöüóêç", WESTERN),
    ("óàéèíçòúïü", WESTERN),
    // Danish and Norwegian, Swedish and Finnish, Icelandic, Faroese, Irish.
    ("øæåéöä", WESTERN),
    ("äöåéü", WESTERN),
    ("ðáíæöóúéþý", WESTERN),
    ("íáøóæðúý", WESTERN),
    ("áéíóú", WESTERN),
    // Names from all over Western Europe in one text.
    ("éüáóíäöèñçãåøêôæëàßâúïîõòûìùýðþœÿ", WESTERN),
    // Polish, Czech, Slovak, Hungarian, Romanian with and without the right commas, Croatian and
    // Slovene, Albanian, and names from all over Central Europe.
    ("łąęóżśćźń", CENTRAL),
    ("íáéěřčžýšůúťňďó", CENTRAL),
    ("áíéýžčšľúťôňäóďĺŕ", CENTRAL),
    ("áéőöóüíűú", CENTRAL),
    ("ăîâşţ", CENTRAL),
    ("ăîșâț", &[ISO_8859_16]),
    ("šžčćđ", CENTRAL),
    ("ëç", &[WINDOWS_1252, WINDOWS_1250]),
    ("áéíóšžčöüőłýąęřěćäúśżńůâşţăîđťňďźľôűß", CENTRAL),
    // Turkish.
    ("ışğüöçâîû", &[WINDOWS_1254]),
    // Estonian, also in Western encodings; Lithuanian, Latvian.
    ("äõüöšž", BALTIC),
    ("õäöüšž", &[WINDOWS_1252, ISO_8859_15]),
    ("ėųšžąįčūę", BALTIC),
    ("āīēšūņļžķģčōŗ", BALTIC),
    // Vietnamese, whose tones are characters of their own.
    ("\u{301}đ\u{300}\u{323}ươêôâ\u{309}áàă\u{303}óúéíèù", &[WINDOWS_1258]),
    // Russian, Ukrainian, Belarusian, Bulgarian, Serbian and Macedonian.
    ("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё", RUSSIAN),
    ("оанитвреісклудмпязьгбчхйжїцюєшфщґ", UKRAINIAN),
    ("анірытеоксялўудпмзьцвбчгйшжхэфёю", CYRILLIC),
    ("аоиентрсвлкдпмузъягбчщцжшхфйью", CYRILLIC),
    ("аоиентрсвдукмлпјзгчбшцњжћљђџхфѓќѕ", CYRILLIC),
    // Greek, Hebrew, Arabic and Persian, Thai.
    ("αοιετσνηυρπκμλςίωάγθόδέχήφύώβξζψϊΐϋΰ", &[WINDOWS_1253, ISO_8859_7]),
    ("יוהלארתשמבנםחקדעפטכצסגזןףךץ", &[WINDOWS_1255]),
    (
        "اليمنورتبعدهةسفكقحجأشطصخإزذضئىغظآثءؤ،گپچژککـ؟\u{64b}\u{651}\u{64f}\u{64e}\u{650}\u{652}؛",
        &[WINDOWS_1256, ISO_8859_6],
    ),
    (
        "านรอกเง\u{e48}มยล\u{e49}ว\u{e31}ท\u{e35}สตด\u{e34}ปบคหะแจพชขใไ\u{e37}\u{e4c}โถ\u{e39}\u{e38}ผ\u{e47}ณธ\u{e33}ซศ\u{e36}ษภฟญฐฉฝๆฎฮฬ",
        &[WINDOWS_874],
    ),
];

/// What stands beside letters in the texts of all languages.
const SIGNS: &str = "\u{a0}’“”–„…‘—«»°€·•§£©®¿¡ºª½²³µ¼¾×±№´‚‹›™\u{ad}\u{200e}\u{200f}¹‰†¥¢";

/// Those of them that stand beside numbers, or alone.
const SIGNS_OF_NUMBERS: &str = "\u{a0}–€£°§ºª½²³µ¼¾×±№¹‰¥¢…";

// Logarithms of how likely a character is, and of what its neighbours make of it. They were chosen
// so that the texts of the tests are told apart by a line of prose, or by a few names.
const SIGN: f32 = -6.0;
/// One of [`SIGNS_OF_NUMBERS`] beside a digit.
const SIGN_OF_NUMBER: f32 = -3.0;
const FOREIGN: f32 = -11.0;
/// A control character, or a byte that is no character at all.
pub(super) const IMPOSSIBLE: f32 = -18.0;
/// A word begins, in upper or lower case, or its second letter is in upper case too.
const EITHER_CASE: f32 = -0.7;
/// A letter in upper case behind one in lower case, or the other way in a word of capitals.
const WRONG_CASE: f32 = -5.0;
/// A letter of another script beside an ASCII letter.
const MIXED_SCRIPTS: f32 = -5.0;
/// A third accented letter in a row.
const CROWDED: f32 = -2.0;
/// A letter beside a digit.
const BESIDE_DIGIT: f32 = -4.0;
/// A letter that is a word by itself.
const ALONE: f32 = -2.5;
/// An encoding that is a place further back in the list of its language.
const UNUSUAL: f32 = -2.0;
/// The most that is taken from an encoding because others are more usual.
const LEAST_USUAL: f32 = -4.0;

/// Returns how well a text fits the encodings.
pub(super) fn fits(text: &[u8]) -> Vec<Fit> {
    let mut fits: Vec<Fit> = Vec::new();
    for (letters, encodings) in LANGUAGES {
        let mut penalty = 0.0;
        for &encoding in encodings {
            let score = penalty + Model::new(letters, encoding).score(text);
            penalty = f32::max(penalty + UNUSUAL, LEAST_USUAL);
            match fits.iter_mut().find(|fit| fit.encoding == encoding) {
                Some(fit) => fit.score = fit.score.max(score),
                None => fits.push(Fit { encoding, score }),
            }
        }
    }
    fits
}

/// Returns whether a character is one of those that texts in some language have.
pub(super) fn is_usual(character: char) -> bool {
    let lower = character.to_lowercase().next().unwrap_or(character);
    SIGNS.contains(character) || LANGUAGES.iter().any(|(letters, _)| letters.contains(lower))
}

/// What a byte is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Lower,
    Upper,
    /// A sign that stands beside numbers.
    OfNumber,
    Other,
}

impl Kind {
    fn is_letter(self) -> bool {
        matches!(self, Self::Lower | Self::Upper)
    }
}

/// The bytes of an encoding as letters of a language.
struct Model {
    values: [(f32, Kind); 128],
    is_latin: bool,
}

impl Model {
    fn new(letters: &str, encoding: &'static Encoding) -> Self {
        let mut values = [(IMPOSSIBLE, Kind::Other); 128];
        for (byte, value) in (0x80..=0xff).zip(&mut values) {
            let bytes = [byte];
            let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(&bytes)
            else {
                continue;
            };
            if let Some(character) = text.chars().next().filter(|character| !character.is_control())
            {
                *value = character_value(character, letters);
            }
        }
        let is_latin = letters.chars().all(|letter| letter < '\u{370}');
        Self { values, is_latin }
    }

    fn score(&self, text: &[u8]) -> f32 {
        let mut total = 0.0;
        // Accented letters in a row, capitals in a row, and what stands before.
        let (mut accented, mut capitals, mut before) = (0, 0, Kind::Other);
        for (at, &byte) in text.iter().enumerate() {
            let (value, kind) = self.of(byte);
            let beside = [at.checked_sub(1), Some(at + 1)]
                .map(|at| at.and_then(|at| text.get(at)).copied().unwrap_or(b'\n'));
            if !byte.is_ascii() {
                total += value + self.beside(kind, beside);
                accented = if kind.is_letter() { accented + 1 } else { 0 };
                if self.is_latin && accented > 2 {
                    total += CROWDED;
                }
            }
            // What case says of two letters, one of which is no ASCII.
            let is_told = !byte.is_ascii() || !beside[0].is_ascii();
            if kind.is_letter() && is_told {
                total += match (kind, before.is_letter(), capitals) {
                    (Kind::Upper, true, 2..) | (Kind::Lower, true, 0) => 0.0,
                    (_, false, _) | (_, true, 1) => {
                        if byte.is_ascii() {
                            0.0
                        } else {
                            EITHER_CASE
                        }
                    }
                    _ => WRONG_CASE,
                };
            }
            if byte.is_ascii() {
                accented = 0;
            }
            before = kind;
            capitals = if kind == Kind::Upper { capitals + 1 } else { 0 };
        }
        total
    }

    /// Returns how likely a byte is, and what it is.
    fn of(&self, byte: u8) -> (f32, Kind) {
        match byte {
            b'a'..=b'z' => (0.0, Kind::Lower),
            b'A'..=b'Z' => (0.0, Kind::Upper),
            0x80.. => self.values[usize::from(byte - 0x80)],
            _ => (0.0, Kind::Other),
        }
    }

    /// Returns what the bytes before and behind a character make of it.
    fn beside(&self, kind: Kind, beside: [u8; 2]) -> f32 {
        let is_beside_digit = beside.iter().any(u8::is_ascii_digit);
        if kind == Kind::OfNumber {
            return if is_beside_digit { SIGN_OF_NUMBER - SIGN } else { 0.0 };
        }
        if !kind.is_letter() {
            return 0.0;
        }
        let mut total = 0.0;
        if is_beside_digit {
            total += BESIDE_DIGIT;
        }
        if !self.is_latin && beside.iter().any(u8::is_ascii_alphabetic) {
            total += MIXED_SCRIPTS;
        }
        if !beside.iter().any(|&byte| self.of(byte).1.is_letter()) {
            total += ALONE;
        }
        total
    }
}

fn character_value(character: char, letters: &str) -> (f32, Kind) {
    let lower = character.to_lowercase().next().unwrap_or(character);
    let kind = match (character.is_alphabetic(), lower == character) {
        (true, true) => Kind::Lower,
        (true, false) => Kind::Upper,
        (false, _) if SIGNS_OF_NUMBERS.contains(character) => Kind::OfNumber,
        (false, _) => Kind::Other,
    };
    // The signs of ordinals and of a millionth are letters to Unicode.
    let kind = if matches!(character, 'º' | 'ª' | 'µ') { Kind::OfNumber } else { kind };
    let Some(rank) = letters.chars().position(|letter| letter == lower) else {
        return (if SIGNS.contains(character) { SIGN } else { FOREIGN }, kind);
    };
    let count = letters.chars().count();
    // About how the frequencies of letters fall, by their rank, in any alphabet.
    let weight = |rank: usize| 1.0 / (rank as f32 + 2.0 + count as f32 / 8.0);
    let all: f32 = (0..count).map(weight).sum();
    let value = (weight(rank) / all).ln();
    // Tones and vowel signs count as letters.
    (value, if kind == Kind::Upper { Kind::Upper } else { Kind::Lower })
}
