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
const SIGNS: &str = "\u{a0}’“”–„…‘—«»°€·•§£©®¿¡ºª½²³µ¼¾×±№´‚‹›™\u{ad}\u{200e}\u{200f}¹‰†";

// Logarithms of how likely a character is, and of what its neighbours make of it. They were chosen
// so that the texts of the tests are told apart by a line of prose, or by a few names.
const SIGN: f32 = -6.0;
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
/// An encoding that is a place further back in the list of its language.
const UNUSUAL: f32 = -2.0;

/// Returns how well a text fits the encodings.
pub(super) fn fits(text: &[u8]) -> Vec<Fit> {
    let mut fits: Vec<Fit> = Vec::new();
    for (letters, encodings) in LANGUAGES {
        let mut penalty = 0.0;
        for &encoding in encodings {
            let score = penalty + Model::new(letters, encoding).score(text);
            penalty += UNUSUAL;
            match fits.iter_mut().find(|fit| fit.encoding == encoding) {
                Some(fit) => fit.score = fit.score.max(score),
                None => fits.push(Fit { encoding, score }),
            }
        }
    }
    fits
}

/// What a byte is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Lower,
    Upper,
    Other,
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
        // Accented letters in a row, capitals in a row, and whether a letter stands before.
        let (mut accented, mut capitals, mut inside) = (0, 0, false);
        for (at, &byte) in text.iter().enumerate() {
            let (value, kind) = match byte {
                b'a'..=b'z' => (0.0, Kind::Lower),
                b'A'..=b'Z' => (0.0, Kind::Upper),
                0x80.. => self.values[usize::from(byte - 0x80)],
                _ => (0.0, Kind::Other),
            };
            if !byte.is_ascii() {
                total += value;
                total += match (kind, inside, capitals) {
                    (Kind::Other, ..) | (Kind::Upper, true, 2..) => 0.0,
                    (_, false, _) | (_, true, 1) => EITHER_CASE,
                    (Kind::Lower, true, 0) => 0.0,
                    (Kind::Upper, true, _) | (Kind::Lower, true, _) => WRONG_CASE,
                };
                accented = if kind == Kind::Other { 0 } else { accented + 1 };
                let beside_ascii = |at: Option<usize>| {
                    at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic)
                };
                if self.is_latin && accented > 2 {
                    total += CROWDED;
                } else if !self.is_latin
                    && kind != Kind::Other
                    && (beside_ascii(at.checked_sub(1)) || beside_ascii(Some(at + 1)))
                {
                    total += MIXED_SCRIPTS;
                }
            } else {
                accented = 0;
            }
            inside = kind != Kind::Other;
            capitals = if kind == Kind::Upper { capitals + 1 } else { 0 };
        }
        total
    }
}

fn character_value(character: char, letters: &str) -> (f32, Kind) {
    let lower = character.to_lowercase().next().unwrap_or(character);
    let kind = match (character.is_alphabetic(), lower == character) {
        (true, true) => Kind::Lower,
        (true, false) => Kind::Upper,
        (false, _) => Kind::Other,
    };
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
