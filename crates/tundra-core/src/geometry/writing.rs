//! How columns of geometries are written, as somebody asks for it.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    format::{Format, OutputFormat, UnknownName},
    writing::WriteOptions,
};

/// How the geometries of an output are written, and in what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GeometryOptions {
    /// What they are in the file.
    pub encoding: GeometryEncoding,
    /// The rows are sorted by where the middle of the box around their geometry is on a Hilbert curve through
    /// the box around all, so that what is near in the plane is near in the file. What has no place there
    /// comes last, and what is in one place stays in its order.
    pub hilbert: bool,
}

/// What a geometry is in a Parquet file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GeometryEncoding {
    /// Bytes, of which only the metadata of GeoParquet says that they are Well-Known Binary.
    #[default]
    Wkb,
    /// The same bytes with Parquet's own type `GEOMETRY`, which has the box around the geometries of each row
    /// group in its statistics. The metadata of GeoParquet stands there as well.
    Native,
}

impl GeometryEncoding {
    /// The names of all.
    pub const NAMES: &'static [&'static str] = &["wkb", "native"];

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wkb => "wkb",
            Self::Native => "native",
        }
    }
}

impl fmt::Display for GeometryEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for GeometryEncoding {
    type Err = UnknownName;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text {
            "wkb" => Ok(Self::Wkb),
            "native" => Ok(Self::Native),
            _ => Err(UnknownName {
                text: text.to_owned(),
                what: "way to write geometries",
                known: Self::NAMES,
            }),
        }
    }
}

impl GeometryOptions {
    /// Checks that nothing is asked of geometries that an input of this format does not have, or that what
    /// is written has no place for. `input` is the name of the input.
    ///
    /// # Errors
    /// Fails and names the option.
    pub fn check(
        &self,
        writing: &WriteOptions,
        to: OutputFormat,
        format: Format,
        input: &str,
    ) -> Result<()> {
        let is_native = self.encoding == GeometryEncoding::Native;
        let option = match (self.hilbert, is_native) {
            (true, _) => "--hilbert",
            (false, true) => "--geometry native",
            (false, false) => return Ok(()),
        };
        if format != Format::GeoJson {
            return Err(Error::Request {
                message: format!("`{option}` is for GeoJSON, and `{input}` is read as {format}"),
                hint: None,
            });
        }
        if self.hilbert && !writing.sort_by.is_empty() {
            return Err(Error::Request {
                message: "the rows can be sorted by columns or along a curve, not both".to_owned(),
                hint: Some("leave `--sort-by` or `--hilbert` away".to_owned()),
            });
        }
        if !writing.readers.is_empty() {
            return Err(Error::Request {
                message: format!("`{option}` and `--for` do not go together"),
                hint: Some("see what a reader takes of the output with `tundra check`".to_owned()),
            });
        }
        if writing.files.are_several() {
            return Err(Error::Request {
                message: format!("`{option}` is for an output that is one file"),
                hint: Some("leave `--max-file-size` and `--partition-by` out".to_owned()),
            });
        }
        if is_native && to != OutputFormat::Parquet {
            return Err(Error::Request {
                message: format!("`--geometry native` is for Parquet, and the output is {to}"),
                hint: None,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_geometries_needs_some_and_a_place() {
        let hilbert = GeometryOptions { hilbert: true, ..GeometryOptions::default() };
        let native = GeometryOptions { encoding: GeometryEncoding::Native, hilbert: false };
        let plain = WriteOptions::default();
        let sorted =
            WriteOptions { sort_by: vec!["a".parse().unwrap()], ..WriteOptions::default() };
        let fails = |options: GeometryOptions, writing: &WriteOptions, to, format| {
            options.check(writing, to, format, "x").err().map(|error| error.to_string())
        };
        let parquet = OutputFormat::Parquet;
        assert_eq!(fails(hilbert, &plain, OutputFormat::Csv, Format::GeoJson), None);
        assert_eq!(fails(native, &sorted, parquet, Format::GeoJson), None);
        assert_eq!(fails(GeometryOptions::default(), &sorted, parquet, Format::Csv), None);
        for (options, writing, to, format, said) in [
            (hilbert, &plain, parquet, Format::Csv, "`--hilbert` is for GeoJSON"),
            (native, &plain, parquet, Format::Json, "`--geometry native` is for GeoJSON"),
            (hilbert, &sorted, parquet, Format::GeoJson, "not both"),
            (native, &plain, OutputFormat::Csv, Format::GeoJson, "is for Parquet"),
        ] {
            let message = fails(options, writing, to, format).unwrap_or_default();
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn encodings_read_back_as_they_are_shown() {
        for name in GeometryEncoding::NAMES {
            assert_eq!(name.parse::<GeometryEncoding>().unwrap().to_string(), *name);
        }
        assert!("wkt".parse::<GeometryEncoding>().is_err());
    }
}
