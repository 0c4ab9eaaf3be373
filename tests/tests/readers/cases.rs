//! Files with one column each, of every type that Parquet has, as no writer of a high level makes them all.

use std::{path::Path, sync::Arc};

use parquet::{
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    file::writer::SerializedFileWriter,
    schema::parser::parse_message_type,
};

/// A value as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Float(f32),
    Double(f64),
    Bytes(&'static [u8]),
    Fixed(&'static [u8]),
}

/// A file with one column and two rows, of which the second is a null.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The column in the language of schemas; `$` is its name.
    pub(super) schema: &'static str,
    pub(super) stored: Stored,
    /// The value as a reader shows it that takes it as it is.
    pub(super) plain: &'static str,
}

const UUID: &[u8] = &[
    0x67, 0xe5, 0x50, 0x44, 0x10, 0xb1, 0x42, 0x6f, 0x92, 0x47, 0xbb, 0x68, 0x0e, 0x5f, 0xe0, 0xc8,
];

/// One month, two days and three seconds.
const INTERVAL: &[u8] = &[1, 0, 0, 0, 2, 0, 0, 0, 0xb8, 0x0b, 0, 0];

/// 1700000000.123456789 s: 2023-11-14 22:13:20.
const MOMENT: i64 = 1_700_000_000_123_456_789;

/// Every type, with a value that shows what becomes of it.
pub(super) const CASES: &[Case] = &[
    case("boolean", "boolean $", Stored::Bool(true), "true"),
    case("i8", "int32 $ (INTEGER(8,true))", Stored::Int32(-5), "-5"),
    case("i16", "int32 $ (INTEGER(16,true))", Stored::Int32(-5), "-5"),
    case("i32", "int32 $ (INTEGER(32,true))", Stored::Int32(-5), "-5"),
    case("i64", "int64 $", Stored::Int64(-5), "-5"),
    case("u8", "int32 $ (INTEGER(8,false))", Stored::Int32(255), "255"),
    case("u16", "int32 $ (INTEGER(16,false))", Stored::Int32(65_535), "65535"),
    case("u32", "int32 $ (INTEGER(32,false))", Stored::Int32(-1), "4294967295"),
    // One that a double holds, because in pandas a column with nulls is one.
    case("u64", "int64 $ (INTEGER(64,false))", Stored::Int64(1 << 52), "4503599627370496"),
    case("f16", "fixed_len_byte_array(2) $ (FLOAT16)", Stored::Fixed(&[0, 0x3e]), "1.5"),
    case("f32", "float $", Stored::Float(1.5), "1.5"),
    case("f64", "double $", Stored::Double(0.1), "0.1"),
    case("dec9", "int32 $ (DECIMAL(9,2))", Stored::Int32(125), "1.25"),
    case("dec18", "int64 $ (DECIMAL(18,2))", Stored::Int64(125), "1.25"),
    case(
        "dec38",
        "fixed_len_byte_array(16) $ (DECIMAL(38,2))",
        Stored::Fixed(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 125]),
        "1.25",
    ),
    case("text", "binary $ (STRING)", Stored::Bytes("ä".as_bytes()), "ä"),
    case("enum", "binary $ (ENUM)", Stored::Bytes(b"red"), "red"),
    case(
        "json",
        "binary $ (JSON)",
        Stored::Bytes(b"{\"b\": 1.10, \"a\": 2}"),
        "{\"b\": 1.10, \"a\": 2}",
    ),
    case("bytes", "binary $", Stored::Bytes(&[0xff, 0]), "xff00"),
    case("fixed", "fixed_len_byte_array(2) $", Stored::Fixed(&[0xff, 0]), "xff00"),
    case(
        "uuid",
        "fixed_len_byte_array(16) $ (UUID)",
        Stored::Fixed(UUID),
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
    ),
    case(
        "interval",
        "fixed_len_byte_array(12) $ (INTERVAL)",
        Stored::Fixed(INTERVAL),
        "1 month 2 days 00:00:03",
    ),
    case("date", "int32 $ (DATE)", Stored::Int32(19_782), "2024-02-29"),
    case("time_ms", "int32 $ (TIME(MILLIS,false))", Stored::Int32(86_399_999), "23:59:59.999"),
    case(
        "time_us",
        "int64 $ (TIME(MICROS,false))",
        Stored::Int64(86_399_999_999),
        "23:59:59.999999",
    ),
    case("time_ns", "int64 $ (TIME(NANOS,false))", Stored::Int64(1), "00:00:00.000000001"),
    case(
        "ts_ms",
        "int64 $ (TIMESTAMP(MILLIS,false))",
        Stored::Int64(MOMENT / 1_000_000),
        "2023-11-14T22:13:20.123",
    ),
    case(
        "ts_us",
        "int64 $ (TIMESTAMP(MICROS,false))",
        Stored::Int64(MOMENT / 1_000_000 * 1000),
        "2023-11-14T22:13:20.123",
    ),
    case(
        "ts_ns",
        "int64 $ (TIMESTAMP(NANOS,false))",
        Stored::Int64(MOMENT / 1_000_000 * 1_000_000),
        "2023-11-14T22:13:20.123",
    ),
    case(
        "instant_ms",
        "int64 $ (TIMESTAMP(MILLIS,true))",
        Stored::Int64(MOMENT / 1_000_000),
        "2023-11-14T22:13:20.123+00:00",
    ),
    case(
        "instant_ns",
        "int64 $ (TIMESTAMP(NANOS,true))",
        Stored::Int64(MOMENT / 1_000_000 * 1_000_000),
        "2023-11-14T22:13:20.123+00:00",
    ),
    case(
        "instant_us",
        "int64 $ (TIMESTAMP(MICROS,true))",
        Stored::Int64(MOMENT / 1_000_000 * 1000),
        "2023-11-14T22:13:20.123+00:00",
    ),
];

/// Values that some readers do not take, of types that they do.
pub(super) const FAR: &[Case] = &[
    case("far_date", "int32 $ (DATE)", Stored::Int32(3_663_382), ""),
    case("early_date", "int32 $ (DATE)", Stored::Int32(-735_160), ""),
    case("large_beside_null", "int64 $", Stored::Int64(i64::MAX), "9223372036854775807"),
];

/// What our own engine refuses, so that it is found in files of others only.
pub(super) const FOREIGN: &[Case] = &[case(
    "dec50",
    "fixed_len_byte_array(21) $ (DECIMAL(50,2))",
    Stored::Fixed(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 125]),
    "1.25",
)];

const fn case(
    name: &'static str,
    schema: &'static str,
    stored: Stored,
    plain: &'static str,
) -> Case {
    Case { name, schema, stored, plain }
}

/// Where the column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Nothing,
    List,
    Struct,
}

impl Case {
    /// Writes the file.
    pub(super) fn write(&self, path: &Path, within: Within) {
        let leaf = |name: &str| format!("optional {};", self.schema.replace('$', name));
        let column = match within {
            Within::Nothing => leaf("c"),
            Within::List => {
                format!(
                    "optional group c (LIST) {{ repeated group list {{ {} }} }}",
                    leaf("element")
                )
            }
            Within::Struct => format!("optional group c {{ {} }}", leaf("inner")),
        };
        let schema = parse_message_type(&format!("message m {{ {column} }}"));
        let schema = Arc::new(schema.unwrap_or_else(|error| panic!("{column}: {error}")));
        let file = std::fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut chunk = group.next_column().unwrap().unwrap();
        let (levels, repetitions) = match within {
            Within::Nothing => ([1, 0], None),
            Within::List => ([3, 0], Some([0, 0])),
            Within::Struct => ([2, 0], None),
        };
        let (levels, repetitions) = (Some(&levels[..]), repetitions.as_ref().map(|it| &it[..]));
        let written = match (chunk.untyped(), self.stored) {
            (ColumnWriter::BoolColumnWriter(it), Stored::Bool(value)) => {
                it.write_batch(&[value], levels, repetitions)
            }
            (ColumnWriter::Int32ColumnWriter(it), Stored::Int32(value)) => {
                it.write_batch(&[value], levels, repetitions)
            }
            (ColumnWriter::Int64ColumnWriter(it), Stored::Int64(value)) => {
                it.write_batch(&[value], levels, repetitions)
            }
            (ColumnWriter::FloatColumnWriter(it), Stored::Float(value)) => {
                it.write_batch(&[value], levels, repetitions)
            }
            (ColumnWriter::DoubleColumnWriter(it), Stored::Double(value)) => {
                it.write_batch(&[value], levels, repetitions)
            }
            (ColumnWriter::ByteArrayColumnWriter(it), Stored::Bytes(value)) => {
                it.write_batch(&[ByteArray::from(value.to_vec())], levels, repetitions)
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(it), Stored::Fixed(value)) => {
                let value = FixedLenByteArray::from(ByteArray::from(value.to_vec()));
                it.write_batch(&[value], levels, repetitions)
            }
            (_, stored) => panic!("{} does not hold {stored:?}", self.schema),
        };
        written.unwrap();
        chunk.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }
}
