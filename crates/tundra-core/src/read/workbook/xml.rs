//! The marks of an XML text, one after the other.
//!
//! Start at [`Xml`]. It knows as much of XML as the parts of workbooks use: elements with attributes,
//! text, references, CDATA and comments. It resolves no entity but the five of XML, fetches nothing and
//! does not check that elements nest; whoever reads a part checks what it needs.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use super::fault::Fault;

/// A walk through the marks of a text.
#[derive(Debug, Clone)]
pub(super) struct Xml<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The attributes of an open tag follow.
    in_tag: bool,
    /// The last tag closes itself.
    is_empty: bool,
}

/// The name and the value of an attribute.
pub(super) type Attribute<'a> = (&'a [u8], &'a [u8]);

/// The byte-order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What ends a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    /// An element begins; its name without a prefix. Its attributes can be asked for.
    Open(&'a [u8]),
    /// An element ends.
    Close(&'a [u8]),
    /// Text that needs no unescaping.
    CData(&'a [u8]),
    /// The text ends.
    End,
}

impl<'a> Xml<'a> {
    /// Begins at the first byte.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, in_tag: false, is_empty: false }
    }

    /// Returns the offset of the next byte.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Returns the text up to the next mark, and the mark. Comments and instructions are passed over.
    #[inline]
    pub(super) fn next(&mut self) -> Result<(&'a [u8], Mark<'a>), Fault> {
        if self.in_tag {
            self.skip_attributes()?;
        }
        loop {
            let rest = &self.bytes[self.at..];
            let Some(found) = memchr(b'<', rest) else {
                self.at = self.bytes.len();
                return Ok((rest, Mark::End));
            };
            let text = &rest[..found];
            let mark = self.at + found + 1;
            match self.bytes.get(mark) {
                Some(b'/') => {
                    let rest = &self.bytes[mark + 1..];
                    let end = memchr(b'>', rest).ok_or_else(cut)?;
                    self.at = mark + 1 + end + 1;
                    return Ok((text, Mark::Close(local(rest[..end].trim_ascii_end()))));
                }
                Some(b'!' | b'?') => {
                    if let Some(data) = self.pass_over(mark)? {
                        return Ok((text, Mark::CData(data)));
                    }
                    // A byte-order mark may stand at the beginning of all.
                    if !text.trim_ascii().is_empty() && (text != BOM || found != mark - 1) {
                        return Err(Fault::damaged("a comment stands within a value"));
                    }
                }
                Some(_) => {
                    let rest = &self.bytes[mark..];
                    let end = rest
                        .iter()
                        .position(|byte| matches!(byte, b' ' | b'>' | b'/' | b'\n' | b'\r' | b'\t'))
                        .ok_or_else(cut)?;
                    self.at = mark + end;
                    self.in_tag = true;
                    self.is_empty = false;
                    return Ok((text, Mark::Open(local(&rest[..end]))));
                }
                None => return Err(cut()),
            }
        }
    }

    /// Passes over what begins with `<!` or `<?`, and returns its text if it is CDATA.
    fn pass_over(&mut self, mark: usize) -> Result<Option<&'a [u8]>, Fault> {
        let rest = &self.bytes[mark..];
        let (skipped, end): (usize, &[u8]) = if rest.starts_with(b"![CDATA[") {
            (8, b"]]>")
        } else if rest.starts_with(b"!--") {
            (3, b"-->")
        } else if rest.starts_with(b"?") {
            (1, b"?>")
        } else {
            return Err(Fault::damaged("it has a document type, which no workbook has"));
        };
        let body = &rest[skipped..];
        let found = memmem::find(body, end).ok_or_else(cut)?;
        self.at = mark + skipped + found + end.len();
        Ok((skipped == 8).then(|| &body[..found]))
    }

    /// Returns the next attribute of the element that was opened last, without its prefix and as it is
    /// written.
    #[inline]
    pub(super) fn attribute(&mut self) -> Result<Option<Attribute<'a>>, Fault> {
        if !self.in_tag {
            return Ok(None);
        }
        let bytes = self.bytes;
        let mut at = self.at;
        while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            at += 1;
        }
        match bytes.get(at) {
            Some(b'>') => {
                self.at = at + 1;
                self.in_tag = false;
                return Ok(None);
            }
            Some(b'/') if bytes.get(at + 1) == Some(&b'>') => {
                self.at = at + 2;
                self.in_tag = false;
                self.is_empty = true;
                return Ok(None);
            }
            _ => {}
        }
        let name_end = at + memchr2(b'=', b'>', &bytes[at..]).ok_or_else(cut)?;
        let name = local(bytes[at..name_end].trim_ascii());
        let mut value = name_end + 1;
        while matches!(bytes.get(value), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            value += 1;
        }
        let quote = match bytes.get(value) {
            Some(&quote @ (b'"' | b'\'')) if bytes[name_end] == b'=' => quote,
            _ => return Err(Fault::damaged("an attribute has no value")),
        };
        let from = value + 1;
        let length = memchr(quote, &bytes[from..]).ok_or_else(cut)?;
        self.at = from + length + 1;
        Ok(Some((name, &bytes[from..from + length])))
    }

    /// Returns whether the element that was opened last has no content.
    pub(super) fn is_empty(&mut self) -> Result<bool, Fault> {
        self.skip_attributes()?;
        Ok(self.is_empty)
    }

    fn skip_attributes(&mut self) -> Result<(), Fault> {
        while self.attribute()?.is_some() {}
        Ok(())
    }

    /// Returns the attributes of these names of the element that was opened last.
    pub(super) fn attributes<const N: usize>(
        &mut self,
        names: [&str; N],
    ) -> Result<[Option<Cow<'a, str>>; N], Fault> {
        let mut found = [const { None }; N];
        while let Some((name, value)) = self.attribute()? {
            if let Some(at) = names.iter().position(|wanted| wanted.as_bytes() == name) {
                found[at] = Some(unescaped(value)?);
            }
        }
        Ok(found)
    }
}

fn local(name: &[u8]) -> &[u8] {
    match memchr(b':', name) {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

fn cut() -> Fault {
    Fault::damaged("its XML is cut off")
}

/// Returns text as it is meant.
pub(super) fn unescaped(raw: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let text = simdutf8::basic::from_utf8(raw)
        .map_err(|_| Fault::damaged("its XML is not text in UTF-8"))?;
    // Line ends are those of XML: a carriage return that is meant is written as a reference.
    if memchr2(b'&', b'\r', raw).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    unescape_into(text, &mut out)?;
    Ok(Cow::Owned(out))
}

/// Appends text as it is meant.
pub(super) fn unescape_into(text: &str, out: &mut String) -> Result<(), Fault> {
    let mut rest = text;
    while let Some(at) = memchr2(b'&', b'\r', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if text.as_bytes()[text.len() - rest.len() - 1] == b'\r' {
            out.push('\n');
            rest = rest.strip_prefix('\n').unwrap_or(rest);
            continue;
        }
        let end = memchr(b';', rest.as_bytes())
            .filter(|end| *end <= 10)
            .ok_or_else(|| Fault::damaged("a `&` in its XML begins no reference"))?;
        let name = &rest[..end];
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => {
                let number = name.strip_prefix('#').and_then(|number| {
                    match number.strip_prefix(['x', 'X']) {
                        Some(digits) => u32::from_str_radix(digits, 16).ok(),
                        None => number.parse().ok(),
                    }
                });
                number.and_then(char::from_u32)
            }
        };
        out.push(character.ok_or_else(|| {
            Fault::damaged(format!("`&{name};` in its XML stands for no character"))
        })?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(())
}

/// Appends the text of a string of a workbook, in which `_x000D_` stands for characters that XML does
/// not have.
pub(super) fn string_into(text: &str, out: &mut String) -> Result<(), Fault> {
    let from = out.len();
    unescape_into(text, out)?;
    if memmem::find(&out.as_bytes()[from..], b"_x").is_none() {
        return Ok(());
    }
    let raw = out.split_off(from);
    let mut rest = raw.as_str();
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 6).filter(|_| rest[at + 6..].starts_with('_'));
        let is_hexadecimal = |code: &&str| code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let character = code
            .filter(is_hexadecimal)
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        match character {
            Some(character) => {
                out.push_str(&rest[..at]);
                out.push(character);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_through_marks() {
        let mut xml = Xml::new(
            b"<?xml version='1.0'?><!-- x > y --><x:a one=\"1>2\" r:id = 'b&amp;c'>t<b/>u</x:a>",
        );
        assert_eq!(xml.next().unwrap(), (&b""[..], Mark::Open(b"a")));
        let [one, id] = xml.attributes(["one", "id"]).unwrap();
        assert_eq!((one.as_deref(), id.as_deref()), (Some("1>2"), Some("b&c")));
        assert_eq!(xml.next().unwrap(), (&b"t"[..], Mark::Open(b"b")));
        assert!(xml.is_empty().unwrap());
        assert_eq!(xml.next().unwrap(), (&b"u"[..], Mark::Close(b"a")));
        assert_eq!(xml.next().unwrap(), (&b""[..], Mark::End));
    }

    #[test]
    fn broken_marks_are_faults() {
        for text in
            ["<a", "<a b", "<a b=", "<a b='", "</a", "<!-- ", "<![CDATA[", "<", "<!DOCTYPE x>"]
        {
            let mut xml = Xml::new(text.as_bytes());
            let broken = loop {
                match xml.next() {
                    Ok((_, Mark::End)) => break false,
                    Ok(_) => {}
                    Err(_) => break true,
                }
            };
            assert!(broken, "{text}");
        }
    }

    #[test]
    fn references_and_escapes_are_resolved() {
        let read = |text: &str| {
            let mut out = String::new();
            string_into(text, &mut out).map(|()| out).ok()
        };
        assert_eq!(read("a&lt;&#65;&#x42;\r\nb\rc").as_deref(), Some("a<AB\nb\nc"));
        assert_eq!(read("a_x000D_b_x005F_x_xZZZZ_").as_deref(), Some("a\rb_x_xZZZZ_"));
        assert_eq!(read("_x00").as_deref(), Some("_x00"));
        assert_eq!(read("_xé00_").as_deref(), Some("_xé00_"));
        for text in ["&", "&x;", "&#0x;", "&#xD800;", "&long-name-without-end"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
