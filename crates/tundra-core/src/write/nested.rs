//! Lists, structures and maps as JSON.

use arrow::{
    array::{
        Array, AsArray, FixedSizeListArray, LargeListArray, ListArray, MapArray, OffsetSizeTrait,
    },
    datatypes::DataType,
};

use super::value::{Refusal, Special, Values, quoted};

/// The nested values of one column.
pub(super) enum Nested<'a> {
    /// Lists, by the places of the items of each row.
    List(Spans<'a>, Box<Values<'a>>),
    /// Structures: an object with each field, nulls included.
    Struct(Vec<(&'a str, Values<'a>)>),
    /// Maps: a list of objects of a key and a value, because a map may have keys that are no text.
    Map(&'a MapArray, Box<Values<'a>>, Box<Values<'a>>),
}

/// Where the items of each list are.
pub(super) enum Spans<'a> {
    Short(&'a ListArray),
    Long(&'a LargeListArray),
    Fixed(&'a FixedSizeListArray),
}

impl<'a> Nested<'a> {
    /// Looks at nested values, and returns the type within them that cannot be written.
    pub(super) fn of(array: &'a dyn Array) -> Result<Self, DataType> {
        let items = |items: &'a dyn Array| Values::of(items, Special::None).map(Box::new);
        Ok(match array.data_type() {
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                Self::List(Spans::Short(lists), items(lists.values().as_ref())?)
            }
            DataType::LargeList(_) => {
                let lists = array.as_list::<i64>();
                Self::List(Spans::Long(lists), items(lists.values().as_ref())?)
            }
            DataType::FixedSizeList(..) => {
                let lists = array.as_fixed_size_list();
                Self::List(Spans::Fixed(lists), items(lists.values().as_ref())?)
            }
            DataType::Struct(fields) => {
                let structs = array.as_struct();
                let columns = fields.iter().zip(structs.columns()).map(|(field, column)| {
                    Ok((field.name().as_str(), Values::of(column.as_ref(), Special::None)?))
                });
                Self::Struct(columns.collect::<Result<_, DataType>>()?)
            }
            DataType::Map(..) => {
                let maps = array.as_map();
                Self::Map(maps, items(maps.keys().as_ref())?, items(maps.values().as_ref())?)
            }
            kind => return Err(kind.clone()),
        })
    }

    /// Appends a value that is not null.
    pub(super) fn json(&self, row: usize, out: &mut String) -> Result<(), Refusal> {
        match self {
            Self::List(spans, items) => {
                let (start, end) = spans.of(row);
                listed(start..end, out, |item, out| items.json(item, out))
            }
            Self::Struct(fields) => {
                out.push('{');
                for (index, (name, values)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quoted(name, out)?;
                    out.push(':');
                    values.json(row, out)?;
                }
                out.push('}');
                Ok(())
            }
            Self::Map(maps, keys, values) => {
                let (start, end) = ends(maps.value_offsets(), row);
                listed(start..end, out, |entry, out| {
                    out.push_str("{\"key\":");
                    keys.json(entry, out)?;
                    out.push_str(",\"value\":");
                    values.json(entry, out)?;
                    out.push('}');
                    Ok(())
                })
            }
        }
    }
}

impl Spans<'_> {
    fn of(&self, row: usize) -> (usize, usize) {
        match self {
            Self::Short(lists) => ends(lists.value_offsets(), row),
            Self::Long(lists) => ends(lists.value_offsets(), row),
            Self::Fixed(lists) => {
                let length = usize::try_from(lists.value_length()).unwrap_or(0);
                (row * length, (row + 1) * length)
            }
        }
    }
}

fn ends<O: OffsetSizeTrait>(offsets: &[O], row: usize) -> (usize, usize) {
    (offsets[row].as_usize(), offsets[row + 1].as_usize())
}

fn listed(
    items: std::ops::Range<usize>,
    out: &mut String,
    mut write: impl FnMut(usize, &mut String) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(']');
    Ok(())
}
