//! Symbols of currencies beside numbers.

use crate::value::gap::Gap;

/// Symbols and words that stand for currencies. A longer one stands before one that it ends or
/// begins with. Only words that are usual beside amounts are here: any three capitals could as well
/// be part of a code.
const SYMBOLS: [&str; 67] = [
    "US$", "HK$", "NZ$", "NT$", "AU$", "CA$", "R$", "A$", "C$", "S$", "$", "€", "£", "¥", "￥",
    "₹", "₩", "₽", "₺", "₴", "₪", "₫", "฿", "₱", "₦", "₡", "₸", "₵", "₾", "₼", "₲", "₿", "₮", "₭",
    "元", "円", "USD", "EUR", "GBP", "JPY", "CNY", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK",
    "PLN", "CZK", "HUF", "RON", "INR", "BRL", "MXN", "ZAR", "TRY", "RUB", "KRW", "SGD", "HKD",
    "Fr.", "kr", "zł", "Kč", "Ft", "lei",
];

/// Those that are words, units or parts of codes as well: `6Ft`, `RON 95`, `TRY 1`.
const WORDS: [&str; 8] = ["CAD", "INR", "RON", "TRY", "Fr.", "kr", "Ft", "lei"];

/// A symbol, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dress {
    symbol: u8,
    pub(super) is_before: bool,
    gap: Gap,
}

impl Dress {
    /// Takes the symbol before a number away.
    pub(super) fn strip_start(text: &[u8]) -> Option<(Self, &[u8])> {
        let (symbol, rest) = find(|symbol| text.strip_prefix(symbol.as_bytes()))?;
        let (gap, rest) = Gap::strip_start(rest);
        Some((Self { symbol, is_before: true, gap }, rest))
    }

    /// Takes the symbol behind a number away.
    pub(super) fn strip_end(text: &[u8]) -> Option<(&[u8], Self)> {
        let (symbol, rest) = find(|symbol| text.strip_suffix(symbol.as_bytes()))?;
        let (rest, gap) = Gap::strip_end(rest);
        Some((rest, Self { symbol, is_before: false, gap }))
    }

    /// Returns it as it stands before a number.
    pub(super) fn before(self) -> String {
        let Self { is_before, gap, .. } = self;
        if is_before { format!("{}{}", self.as_str(), gap.as_str()) } else { String::new() }
    }

    /// Returns it as it stands behind a number.
    pub(super) fn behind(self) -> String {
        let Self { is_before, gap, .. } = self;
        if is_before { String::new() } else { format!("{}{}", gap.as_str(), self.as_str()) }
    }

    /// Returns whether it could as well be a word, so that an integer beside it may be no amount.
    pub(super) fn is_word(self) -> bool {
        WORDS.contains(&self.as_str())
    }

    pub(super) fn as_str(self) -> &'static str {
        SYMBOLS[usize::from(self.symbol)]
    }
}

fn find<'a>(strip: impl Fn(&str) -> Option<&'a [u8]>) -> Option<(u8, &'a [u8])> {
    (0..).zip(SYMBOLS).find_map(|(index, symbol)| Some((index, strip(symbol)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_symbol_is_found() {
        for symbol in SYMBOLS {
            let text = format!("{symbol}5");
            let (dress, rest) = Dress::strip_start(text.as_bytes()).unwrap();
            assert_eq!((dress.as_str(), rest), (symbol, b"5".as_slice()));
            let text = format!("5\u{a0}{symbol}");
            let (rest, dress) = Dress::strip_end(text.as_bytes()).unwrap();
            assert_eq!((dress.as_str(), rest), (symbol, b"5".as_slice()));
            assert_eq!(dress.behind(), format!("\u{a0}{symbol}"));
        }
    }
}
