//! What becomes of every type of PostgreSQL.
//!
//! Start at [`TABLE`], which is the documentation, and at [`Catalogue::plan`], which is the code of it: a
//! type is decoded from the server's binary form where Arrow has a type for it, and otherwise the server
//! is asked for its text. A type that is not known here, of an extension or of a later PostgreSQL, is
//! text too: nothing is refused and nothing is guessed.

use std::{collections::HashMap, sync::Arc};

use arrow_schema::{DataType, Field, Fields, TimeUnit};
use tundra_core::{GeometryFacts, MAX_DECIMAL_PRECISION};

use crate::{
    identifier::Quoting,
    types::{TypeRow, TypeTable},
};

/// The mapping of every built-in type.
pub(super) const TABLE: TypeTable = TypeTable { database: "PostgreSQL", notes: NOTES, rows: ROWS };

const NOTES: &str = "\
The types are those of PostgreSQL 15.
Text is what the server prints with `DateStyle` ISO, `IntervalStyle` postgres and the time zone UTC.
A `numeric` without a precision is measured first: it is the decimal that holds every value, with the \
largest number of digits behind the point, and text when there is none or NaN or an infinity is among \
them.
Arrays are measured too: of one depth they are lists; of several, or with indexes that do not begin at \
1, text.
The elements of an array of `numeric` without a precision are measured like a column of it.
The elements of an array whose own type is text here are the server's text.
With `--on-lossy null` a value inside of an array or a composite that no type holds still ends the run.
A geometry is ISO WKB, and the file is GeoParquet 1.1: it names the kinds of the geometries, their \
reference system and whether edges are spherical, without bounding boxes. Unless a column is declared \
with a kind and a reference system, both are measured first. Of a column with kinds that GeoParquet does \
not have, such as curves and what has M, it says nothing; its values are WKB all the same.
A composite is text when one of its fields is text here, is an array or would have to be measured.";

const ROWS: &[TypeRow] = &[
    TypeRow::lossless("boolean", "BOOLEAN"),
    TypeRow::lossless("smallint", "SMALLINT"),
    TypeRow::lossless("integer", "INTEGER"),
    TypeRow::lossless("bigint", "BIGINT"),
    TypeRow::lossless("real", "FLOAT"),
    TypeRow::lossless("double precision", "DOUBLE"),
    TypeRow::policy("numeric(p,s), p up to 38", "DECIMAL(p,s)", "NaN"),
    TypeRow::text("numeric(p,s), p over 38"),
    TypeRow::lossless("numeric", "DECIMAL(18,s), DECIMAL(38,s) or VARCHAR, measured"),
    TypeRow::lossless("money", "DECIMAL(19,s)"),
    TypeRow::lossless("text, varchar, char(n), name, \"char\"", "VARCHAR"),
    TypeRow::lossless("bytea", "BLOB"),
    TypeRow::lossless("uuid", "UUID"),
    TypeRow::lossless("json, jsonb", "JSON"),
    TypeRow::policy("date", "DATE", "infinities"),
    TypeRow::policy("time", "TIME", "24:00:00"),
    TypeRow::policy("timestamp", "TIMESTAMP", "infinities and what is after 294247-01-10 04:00:54"),
    TypeRow::policy(
        "timestamptz",
        "TIMESTAMPTZ",
        "infinities and what is after 294247-01-10 04:00:54",
    ),
    TypeRow::text("timetz, interval"),
    TypeRow::lossless("bit(n), bit varying", "VARCHAR"),
    TypeRow::lossless("enumerations", "VARCHAR"),
    TypeRow::lossless("domains", "as the type below"),
    TypeRow::lossless("arrays", "T[], T[][], … or VARCHAR, measured"),
    TypeRow::lossless("composites", "STRUCT or VARCHAR"),
    TypeRow::lossless("oid, xid, cid", "UINTEGER"),
    TypeRow::lossless("xid8", "UBIGINT"),
    TypeRow::text("ranges and multiranges"),
    TypeRow::text("inet, cidr, macaddr, macaddr8"),
    TypeRow::text("point, line, lseg, box, path, polygon, circle"),
    TypeRow::text("tsvector, tsquery, xml, jsonpath"),
    TypeRow::text("regclass and its kin, tid, pg_lsn, pg_snapshot, record"),
    TypeRow::lossless(
        "geometry and geography of PostGIS",
        "BLOB of WKB, or VARCHAR when of several reference systems",
    ),
    TypeRow::text("types of other extensions and all others"),
];

/// How the bytes of a value become a value of Arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// One byte.
    Bool,
    /// Integers.
    Int16,
    /// Integers.
    Int32,
    /// Integers.
    Int64,
    /// Object identifiers.
    UInt32,
    /// Transaction identifiers.
    UInt64,
    /// Floating point.
    Float32,
    /// Floating point.
    Float64,
    /// A `numeric` of a scale.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// `money`: an integer of the currency's smallest unit.
    Money {
        /// Digits behind the point.
        scale: u8,
    },
    /// Text as it is.
    Text,
    /// The type `"char"`, which is a byte.
    Char,
    /// Text behind a version.
    Jsonb,
    /// JSON text, which is text.
    Json,
    /// Bytes as they are.
    Bytes,
    /// A geometry in the Well-Known Binary of ISO.
    Wkb {
        /// What is known of it besides.
        facts: GeometryFacts,
    },
    /// Sixteen bytes, to be text.
    Uuid,
    /// Bits, to be text.
    Bits,
    /// Days since 2000.
    Date,
    /// Microseconds since midnight.
    Time,
    /// Microseconds since 2000.
    Timestamp {
        /// Whether it is an instant.
        zone: bool,
    },
    /// An array of one depth.
    List {
        /// Its elements.
        item: Box<Self>,
        /// How many dimensions.
        depth: u8,
    },
    /// A composite.
    Struct(Vec<(String, Self)>),
}

impl Kind {
    /// Returns the type in Arrow.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::UInt32 => DataType::UInt32,
            Self::UInt64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(*precision, scale.cast_signed())
            }
            Self::Money { scale } => DataType::Decimal128(19, scale.cast_signed()),
            Self::Text | Self::Char | Self::Jsonb | Self::Json | Self::Uuid | Self::Bits => {
                DataType::Utf8
            }
            Self::Bytes | Self::Wkb { .. } => DataType::BinaryView,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { zone } => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.then(|| "UTC".into()))
            }
            Self::List { item, depth } => {
                (0..*depth).fold(item.data_type(), |inner, _| DataType::List(list_field(inner)))
            }
            Self::Struct(fields) => DataType::Struct(struct_fields(fields)),
        }
    }

    /// Returns the type as `ColumnType` prints it.
    pub(super) fn column_type(&self) -> String {
        let name = match self {
            Self::Bool => "BOOLEAN",
            Self::Int16 => "SMALLINT",
            Self::Int32 => "INTEGER",
            Self::Int64 => "BIGINT",
            Self::UInt32 => "UINTEGER",
            Self::UInt64 => "UBIGINT",
            Self::Float32 => "FLOAT",
            Self::Float64 => "DOUBLE",
            Self::Decimal { precision, scale } => return format!("DECIMAL({precision},{scale})"),
            Self::Money { scale } => return format!("DECIMAL(19,{scale})"),
            Self::Text | Self::Char | Self::Bits => "VARCHAR",
            Self::Jsonb | Self::Json => "JSON",
            Self::Bytes | Self::Wkb { .. } => "BLOB",
            Self::Uuid => "UUID",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Timestamp { zone: false } => "TIMESTAMP",
            Self::Timestamp { zone: true } => "TIMESTAMPTZ",
            Self::List { item, depth } => {
                return format!("{}{}", item.column_type(), "[]".repeat(usize::from(*depth)));
            }
            Self::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, kind)| {
                        format!("\"{}\" {}", name.replace('"', "\"\""), kind.column_type())
                    })
                    .collect();
                return format!("STRUCT({})", fields.join(", "));
            }
        };
        name.to_owned()
    }

    /// Returns whether the server has values of this type that ours has not.
    pub(super) fn may_be_lossy(&self) -> bool {
        match self {
            Self::Decimal { .. } | Self::Date | Self::Time | Self::Timestamp { .. } => true,
            Self::List { item, .. } => item.may_be_lossy(),
            Self::Struct(fields) => fields.iter().any(|(_, kind)| kind.may_be_lossy()),
            _ => false,
        }
    }
}

/// Returns the field of a list's items.
pub(super) fn list_field(item: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(item, true))
}

/// Returns the fields of a composite.
pub(super) fn struct_fields(fields: &[(String, Kind)]) -> Fields {
    fields.iter().map(|(name, kind)| Field::new(name, kind.data_type(), true)).collect()
}

/// What the catalogue of the server says about a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeFacts {
    /// Its name, as the server prints it.
    pub(super) name: String,
    /// `b`ase, `c`omposite, `d`omain, `e`num, `p`seudo, `r`ange, `m`ultirange.
    pub(super) sort: u8,
    /// The type of the elements, if it is a true array.
    pub(super) element: Option<u32>,
    /// The type below a domain and what that is declared with.
    pub(super) base: Option<(u32, i32)>,
    /// The fields of a composite: name, type, declaration.
    pub(super) fields: Vec<(String, u32, i32)>,
    /// Which type of PostGIS it is.
    pub(super) spatial: Option<Spatial>,
}

/// A type of PostGIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spatial {
    /// The schema in which PostGIS is.
    pub(super) schema: String,
    /// Whether it is on the globe, and not on a plane.
    pub(super) is_geography: bool,
}

/// The types that a relation has.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    /// By their numbers.
    pub(super) types: HashMap<u32, TypeFacts>,
    /// The digits behind the point of `money`, which are the locale's.
    pub(super) money_scale: Option<u8>,
}

/// What the server makes of a value before it sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cast {
    /// Nothing.
    Nothing,
    /// Text.
    Text,
    /// What it prints, where the cast to text is something else: that of `inet` has always a mask.
    Printed,
    /// An array of text.
    Texts,
    /// An array of what it prints.
    PrintedEach,
    /// The Well-Known Binary of a geometry, by the functions of this schema.
    Wkb(String),
}

impl Cast {
    /// Returns what is written for an expression.
    pub(super) fn of(&self, x: &str) -> String {
        match self {
            Self::Nothing => x.to_owned(),
            Self::Text => format!("{x}::text"),
            Self::Printed => {
                format!("CASE WHEN {x} IS NOT NULL THEN pg_catalog.format('%s', {x}) END")
            }
            Self::Texts => format!("{x}::text[]"),
            // An array is printed by what its elements are printed by. The types for which this is
            // asked have the comma between them.
            Self::PrintedEach => format!("{x}::text::text[]"),
            Self::Wkb(schema) => format!("{}.st_asbinary({x})", Quoting::Double.name(schema)),
        }
    }
}

/// How a column can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// By this type.
    Known(Kind),
    /// By a decimal, if the values allow it.
    Numeric,
    /// By lists of these, if the values allow it.
    Array(Kind),
    /// By lists of decimals, if the values allow it.
    NumericArray,
    /// By binary geometries, if all values have one reference system.
    Geometry {
        /// Which type it is.
        spatial: Spatial,
        /// What it is declared with.
        declared: DeclaredGeometry,
    },
    /// By lists of the server's text, if the values allow it.
    TextArray(Cast),
    /// By the server's text.
    Text(Cast),
}

/// How deep types may be nested. Composites cannot contain themselves, but through arrays and domains a
/// hostile catalogue could say so.
const MAX_NESTING: usize = 32;

impl Catalogue {
    /// Returns how a column of this type can be had.
    pub(super) fn plan(&self, oid: u32, modifier: i32) -> Plan {
        let (oid, modifier) = self.below_domains(oid, modifier);
        if oid == NUMERIC && modifier < 0 {
            return Plan::Numeric;
        }
        if let Some(spatial) = self.types.get(&oid).and_then(|it| it.spatial.clone()) {
            return Plan::Geometry { spatial, declared: DeclaredGeometry::of(modifier) };
        }
        if let Some(element) = self.types.get(&oid).and_then(|it| it.element) {
            let below = self.below_domains(element, modifier);
            return match self.kind(element, modifier, 0) {
                Some(item) => Plan::Array(item),
                None if below.0 == NUMERIC && below.1 < 0 => Plan::NumericArray,
                None if below.0 == INET => Plan::TextArray(Cast::PrintedEach),
                None => Plan::TextArray(Cast::Texts),
            };
        }
        match self.kind(oid, modifier, 0) {
            Some(kind) => Plan::Known(kind),
            None if oid == INET => Plan::Text(Cast::Printed),
            None => Plan::Text(Cast::Text),
        }
    }

    /// Returns the name of a type.
    pub(super) fn name(&self, oid: u32) -> &str {
        self.types.get(&oid).map_or("a type without a name", |it| &it.name)
    }

    fn below_domains(&self, mut oid: u32, mut modifier: i32) -> (u32, i32) {
        for _ in 0..MAX_NESTING {
            match self.types.get(&oid).and_then(|it| it.base) {
                Some((base, declared)) => {
                    oid = base;
                    modifier = if declared >= 0 { declared } else { modifier };
                }
                None => break,
            }
        }
        (oid, modifier)
    }

    /// Returns the type of a single value, or `None` where only its text will do.
    fn kind(&self, oid: u32, modifier: i32, nesting: usize) -> Option<Kind> {
        if nesting > MAX_NESTING {
            return None;
        }
        let (oid, modifier) = self.below_domains(oid, modifier);
        Some(match oid {
            16 => Kind::Bool,
            17 => Kind::Bytes,
            18 => Kind::Char,
            20 => Kind::Int64,
            21 => Kind::Int16,
            23 => Kind::Int32,
            // name, text, unknown, char(n), varchar.
            19 | 25 | 705 | 1042 | 1043 => Kind::Text,
            // oid, xid, cid.
            26 | 28 | 29 => Kind::UInt32,
            114 => Kind::Json,
            700 => Kind::Float32,
            701 => Kind::Float64,
            790 => Kind::Money { scale: self.money_scale? },
            1082 => Kind::Date,
            1083 => Kind::Time,
            1114 => Kind::Timestamp { zone: false },
            1184 => Kind::Timestamp { zone: true },
            1560 | 1562 => Kind::Bits,
            NUMERIC => decimal(modifier)?,
            2950 => Kind::Uuid,
            3802 => Kind::Jsonb,
            5069 => Kind::UInt64,
            _ => {
                let facts = self.types.get(&oid)?;
                match facts.sort {
                    b'e' => Kind::Text,
                    // Of a composite without columns Arrow and Parquet can say nothing.
                    b'c' if !facts.fields.is_empty() => Kind::Struct(
                        facts
                            .fields
                            .iter()
                            .map(|(name, oid, modifier)| {
                                Some((name.clone(), self.kind(*oid, *modifier, nesting + 1)?))
                            })
                            .collect::<Option<_>>()?,
                    ),
                    _ => return None,
                }
            }
        })
    }
}

/// What a column of PostGIS is declared with, as far as every value of it keeps to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeclaredGeometry {
    /// The number of the reference system.
    pub(super) srid: Option<u32>,
    /// The kind of the geometries; see [`GeometryFacts::kinds`].
    pub(super) kind: Option<String>,
}

impl DeclaredGeometry {
    /// Takes a modifier apart: see `TYPMOD_GET_SRID` and its neighbours in PostGIS.
    fn of(modifier: i32) -> Self {
        if modifier < 0 {
            return Self { srid: None, kind: None };
        }
        // Bits 8 to 28, of which the upper one is a sign. What is unknown is 0 or less.
        let srid = u32::try_from((modifier << 3) >> 11).ok().filter(|it| *it > 0);
        let kind = match (modifier & 0xfc) >> 2 {
            // Any geometry, and a collection, which may be one of points as well.
            0 | 7 => None,
            number => usize::try_from(number - 1).ok().and_then(|at| KINDS.get(at)),
        };
        let dimensions = ["", " M", " Z", " ZM"][usize::try_from(modifier & 3).unwrap_or(0)];
        Self { srid, kind: kind.map(|kind| format!("{kind}{dimensions}")) }
    }
}

/// The kinds of geometries by the numbers that PostGIS gives them, from 1.
const KINDS: [&str; 15] = [
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
    "CircularString",
    "CompoundCurve",
    "CurvePolygon",
    "MultiCurve",
    "MultiSurface",
    "PolyhedralSurface",
    "Triangle",
    "TIN",
];

/// Returns the kind of a geometry from what `GeometryType` and `ST_Zmflag` of PostGIS say, with a blank
/// between.
pub(super) fn measured_kind(said: &str) -> String {
    let (name, flag) = said.rsplit_once(' ').unwrap_or((said, ""));
    let (name, dimensions) = match flag {
        "1" => (name.strip_suffix('M').unwrap_or(name), " M"),
        "2" => (name, " Z"),
        "3" => (name, " ZM"),
        _ => (name, ""),
    };
    let known = KINDS.iter().find(|kind| kind.eq_ignore_ascii_case(name));
    format!("{}{dimensions}", known.unwrap_or(&name))
}

/// The number of the type `inet`.
const INET: u32 = 869;

/// The number of the type `numeric`.
const NUMERIC: u32 = 1700;

/// Returns the decimal that holds what a `numeric` was declared to hold, if there is one.
pub(super) fn decimal(modifier: i32) -> Option<Kind> {
    // What is declared is kept with the size of a header added: 16 bits of precision, and 11 bits of
    // scale with a sign since PostgreSQL 15.
    let declared = modifier.checked_sub(4).filter(|it| *it >= 0)?;
    let precision = (declared >> 16) & 0xffff;
    let scale = ((declared & 0x7ff) ^ 1024) - 1024;
    // numeric(3,-2) holds five digits, and numeric(2,4) four behind the point.
    let (precision, scale) = match scale {
        ..0 => (precision - scale, 0),
        _ => (precision.max(scale), scale),
    };
    let precision = u8::try_from(precision).ok().filter(|it| *it <= MAX_DECIMAL_PRECISION)?;
    Some(Kind::Decimal { precision, scale: u8::try_from(scale).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str, sort: u8) -> TypeFacts {
        TypeFacts {
            name: name.to_owned(),
            sort,
            element: None,
            base: None,
            fields: Vec::new(),
            spatial: None,
        }
    }

    fn modifier(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    #[test]
    fn a_declared_numeric_is_the_decimal_that_holds_it() {
        let of = |precision, scale| decimal(modifier(precision, scale));
        assert_eq!(of(15, 2), Some(Kind::Decimal { precision: 15, scale: 2 }));
        assert_eq!(of(38, 38), Some(Kind::Decimal { precision: 38, scale: 38 }));
        assert_eq!(of(3, -2), Some(Kind::Decimal { precision: 5, scale: 0 }));
        assert_eq!(of(2, 4), Some(Kind::Decimal { precision: 4, scale: 4 }));
        assert_eq!(of(39, 2), None);
        assert_eq!(of(38, -1), None);
        assert_eq!(of(1000, 1000), None);
        assert_eq!(decimal(-1), None);
    }

    #[test]
    fn a_declared_geometry_is_read() {
        // What PostGIS makes of (Point,4326), (PointZM,998999), (Point), (GeometryCollection),
        // (GeometryZ), (CurvePolygonM) and no declaration.
        for (modifier, srid, kind) in [
            (1_107_460, Some(4326), Some("Point")),
            (255_743_751, Some(998_999), Some("Point ZM")),
            (4, None, Some("Point")),
            (28, None, None),
            (2, None, None),
            (41, None, Some("CurvePolygon M")),
            (-1, None, None),
        ] {
            let expected = DeclaredGeometry { srid, kind: kind.map(str::to_owned) };
            assert_eq!(DeclaredGeometry::of(modifier), expected, "{modifier}");
        }
    }

    #[test]
    fn a_measured_kind_has_the_name_of_the_standard() {
        for (said, kind) in [
            ("POINT 0", "Point"),
            ("POINTM 1", "Point M"),
            ("MULTIPOLYGON 2", "MultiPolygon Z"),
            ("TIN 2", "TIN Z"),
            ("COMPOUNDCURVE 3", "CompoundCurve ZM"),
            ("NURBSCURVE 0", "NURBSCURVE"),
        ] {
            assert_eq!(measured_kind(said), kind);
        }
    }

    #[test]
    fn domains_are_what_is_below_them() {
        let mut catalogue = Catalogue::default();
        let domain = |base| TypeFacts { base: Some(base), ..facts("d", b'd') };
        catalogue.types.insert(1, domain((2, -1)));
        catalogue.types.insert(2, domain((NUMERIC, modifier(10, 3))));
        catalogue.types.insert(3, domain((NUMERIC, -1)));
        assert_eq!(catalogue.plan(1, -1), Plan::Known(Kind::Decimal { precision: 10, scale: 3 }));
        assert_eq!(catalogue.plan(3, -1), Plan::Numeric);
    }

    #[test]
    fn arrays_and_composites_are_nested_or_else_text() {
        let mut catalogue = Catalogue::default();
        let array = |element| TypeFacts { element: Some(element), ..facts("a", b'b') };
        let composite = |fields: &[(&str, u32)]| TypeFacts {
            fields: fields.iter().map(|(name, oid)| ((*name).to_owned(), *oid, -1)).collect(),
            ..facts("c", b'c')
        };
        catalogue.types.insert(1007, array(23));
        catalogue.types.insert(1041, array(869));
        catalogue.types.insert(1231, array(NUMERIC));
        catalogue.types.insert(9000, composite(&[("x", 23), ("y", 25)]));
        catalogue.types.insert(9001, composite(&[("x", 23), ("address", 869)]));
        catalogue.types.insert(9002, array(9000));
        catalogue.types.insert(9003, composite(&[("again", 9003)]));
        let pair = Kind::Struct(vec![("x".to_owned(), Kind::Int32), ("y".to_owned(), Kind::Text)]);
        assert_eq!(catalogue.plan(1007, -1), Plan::Array(Kind::Int32));
        assert_eq!(catalogue.plan(1041, -1), Plan::TextArray(Cast::PrintedEach));
        assert_eq!(catalogue.plan(1231, -1), Plan::NumericArray);
        assert_eq!(
            catalogue.plan(1231, modifier(5, 1)),
            Plan::Array(decimal(modifier(5, 1)).unwrap())
        );
        assert_eq!(catalogue.plan(9000, -1), Plan::Known(pair.clone()));
        assert_eq!(catalogue.plan(9002, -1), Plan::Array(pair));
        assert_eq!(catalogue.plan(9001, -1), Plan::Text(Cast::Text));
        assert_eq!(catalogue.plan(9003, -1), Plan::Text(Cast::Text));
        assert_eq!(catalogue.plan(424_242, -1), Plan::Text(Cast::Text));
    }
}
