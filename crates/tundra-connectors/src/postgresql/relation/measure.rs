//! What the values of a column say about the type that holds them.
//!
//! Start at [`settle`]: all columns that have to be measured are measured in one pass of the server over
//! the relation, under the snapshot under which it is then read.

use tundra_core::{GeometryFacts, MAX_DECIMAL_PRECISION, OnLossy, ReferenceSystem};

use crate::{
    identifier::Quoting,
    postgresql::{
        failure::Failure,
        relation::{Settled, Wanted, catalogue::number},
        types::{Cast, Catalogue, Kind, Plan, Spatial, measured_kind},
        wire::Wire,
    },
};

/// The time from which on `TIMESTAMP` holds none, as the server writes it.
const TOO_LATE: &str = "294247-01-10 04:00:54.775807";

/// The digits up to which decimals are 64 bits wide. A measured decimal has these or all: the next run
/// may find a value of one digit more, and that should not be another type.
const NARROW: u8 = 18;

/// The decimal of a column without values.
const UNKNOWN: Kind = Kind::Decimal { precision: NARROW, scale: 3 };

/// What is measured of a column, and how many results that has.
enum Measure {
    /// Digits before and behind the point, and values that are no numbers.
    Numeric,
    /// Dimensions, and arrays that do not begin at 1.
    Array,
    /// Both, of an array of numbers.
    NumericArray,
    /// Reference systems and kinds of geometries.
    Geometries { schema: String },
    /// Values that the type does not hold, by this condition.
    Misfits(String),
}

/// Decides for every column how it is had.
pub(super) async fn settle(
    wire: &mut Wire,
    wanted: &[Wanted],
    catalogue: &Catalogue,
    from: &str,
    only: Option<&str>,
    on_lossy: OnLossy,
) -> Result<Vec<Settled>, Failure> {
    let measures: Vec<Option<Measure>> =
        wanted.iter().map(|it| measure(&it.plan, &it.expression, on_lossy)).collect();
    let results: Vec<String> = measures
        .iter()
        .zip(wanted)
        .filter_map(|(measure, wanted)| Some(aggregates(measure.as_ref()?, &wanted.expression)))
        .collect();
    let mut answers = Vec::new().into_iter();
    if !results.is_empty() {
        let filter = only.map(|it| format!(" WHERE {it}")).unwrap_or_default();
        let sql = format!("SELECT {} FROM {from}{filter}", results.join(", "));
        answers = wire.ask(&sql).await?.into_iter().next().unwrap_or_default().into_iter();
    }
    let mut next = || answers.next().flatten();
    let mut settled = Vec::with_capacity(wanted.len());
    for (wanted, measure) in wanted.iter().zip(&measures) {
        let name = catalogue.name(wanted.oid);
        settled.push(match measure {
            None => match &wanted.plan {
                Plan::Geometry { spatial, declared } => {
                    let kinds = declared.kind.iter().cloned().collect();
                    geometry(wire, spatial, declared.srid, kinds, name).await?
                }
                plan => unmeasured(plan, name, on_lossy),
            },
            Some(Measure::Numeric) => {
                let (largest, scale, others) = (next(), number(next())?, number(next())?);
                numeric(largest.as_deref(), scale, others.unwrap_or(0))
            }
            Some(Measure::Array) => {
                let (least, most) = (number(next())?, number(next())?);
                let shifted = number::<u64>(next())?.unwrap_or(0);
                array(&wanted.plan, name, on_lossy, least, most, shifted)
            }
            Some(Measure::NumericArray) => {
                let (least, most) = (number(next())?, number(next())?);
                let shifted = number::<u64>(next())?.unwrap_or(0);
                let (largest, scale, others) = (next(), number(next())?, number(next())?);
                let item = numeric(largest.as_deref(), scale, others.unwrap_or(0));
                let plan = match item.kind {
                    Kind::Text => Plan::TextArray(Cast::Texts),
                    kind => Plan::Array(kind),
                };
                let list = array(&plan, name, OnLossy::Fail, least, most, shifted);
                Settled { reason: format!("{}, {}", list.reason, item.reason), ..list }
            }
            Some(Measure::Geometries { .. }) => {
                let (least, most) = (number(next())?, number(next())?);
                let kinds = next().unwrap_or_default();
                let kinds = kinds.split_terminator(',').map(measured_kind).collect();
                match (&wanted.plan, least == most) {
                    (Plan::Geometry { spatial, declared }, true) => {
                        let srid = least.or(declared.srid);
                        geometry(wire, spatial, srid, kinds, name).await?
                    }
                    _ => text(format!("the type {name}, of several reference systems")),
                }
            }
            Some(Measure::Misfits(_)) => {
                let count = number::<u64>(next())?.unwrap_or(0);
                match &wanted.plan {
                    Plan::Known(kind) if count == 0 => Settled {
                        kind: kind.clone(),
                        cast: Cast::Nothing,
                        is_text: false,
                        reason: format!("the type {name}, every value of which it holds"),
                    },
                    _ => text(format!("{count} values of type {name} have no other type")),
                }
            }
        });
    }
    Ok(settled)
}

fn measure(plan: &Plan, expression: &str, on_lossy: OnLossy) -> Option<Measure> {
    match plan {
        Plan::Numeric => Some(Measure::Numeric),
        Plan::Array(_) | Plan::TextArray(_) => Some(Measure::Array),
        Plan::NumericArray => Some(Measure::NumericArray),
        Plan::Geometry { spatial, declared }
            if declared.srid.is_none() || declared.kind.is_none() =>
        {
            Some(Measure::Geometries { schema: spatial.schema.clone() })
        }
        Plan::Text(_) | Plan::Geometry { .. } => None,
        Plan::Known(_) if on_lossy != OnLossy::Text => None,
        Plan::Known(kind) => Some(Measure::Misfits(match kind {
            Kind::Date => format!("NOT pg_catalog.isfinite({expression})"),
            Kind::Time => format!("{expression} = '24:00:00'"),
            Kind::Timestamp { zone } => {
                let zone = if *zone { "+00" } else { "" };
                format!(
                    "NOT pg_catalog.isfinite({expression}) OR {expression} >= '{TOO_LATE}{zone}'"
                )
            }
            Kind::Decimal { .. } => format!("{expression} = 'NaN'"),
            _ => return None,
        })),
    }
}

fn aggregates(measure: &Measure, x: &str) -> String {
    match measure {
        // The scale of what is no number is null.
        Measure::Numeric => format!(
            "pg_catalog.max(pg_catalog.abs({x})) FILTER (WHERE pg_catalog.scale({x}) IS NOT NULL), \
             pg_catalog.max(pg_catalog.scale({x})), \
             pg_catalog.count(*) FILTER (WHERE {x} IS NOT NULL AND pg_catalog.scale({x}) IS NULL)"
        ),
        Measure::Array => {
            let shifted: Vec<String> = (1..=6)
                .map(|dimension| format!("pg_catalog.array_lower({x}, {dimension}) <> 1"))
                .collect();
            format!(
                "pg_catalog.min(pg_catalog.array_ndims({x})), \
                 pg_catalog.max(pg_catalog.array_ndims({x})), \
                 pg_catalog.count(*) FILTER (WHERE {})",
                shifted.join(" OR ")
            )
        }
        Measure::NumericArray => {
            let each = |result: &str| format!("(SELECT {result} FROM pg_catalog.unnest({x}) AS e)");
            format!(
                "{}, pg_catalog.max({}), pg_catalog.max({}), pg_catalog.sum({})",
                aggregates(&Measure::Array, x),
                each(
                    "pg_catalog.max(pg_catalog.abs(e)) FILTER (WHERE pg_catalog.scale(e) IS NOT NULL)"
                ),
                each("pg_catalog.max(pg_catalog.scale(e))"),
                each(
                    "pg_catalog.count(*) FILTER (WHERE e IS NOT NULL AND pg_catalog.scale(e) IS NULL)"
                ),
            )
        }
        Measure::Geometries { schema } => {
            let schema = Quoting::Double.name(schema);
            let geometry = format!("{x}::{schema}.geometry");
            let srid = format!("{schema}.st_srid({geometry})");
            format!(
                "pg_catalog.min({srid}), pg_catalog.max({srid}), \
                 pg_catalog.string_agg(DISTINCT {schema}.geometrytype({geometry}) || ' ' || \
                 {schema}.st_zmflag({geometry}), ',')"
            )
        }
        Measure::Misfits(condition) => {
            format!("pg_catalog.count(*) FILTER (WHERE {condition})")
        }
    }
}

fn text(reason: String) -> Settled {
    Settled { kind: Kind::Text, cast: Cast::Text, is_text: false, reason }
}

fn unmeasured(plan: &Plan, name: &str, on_lossy: OnLossy) -> Settled {
    match plan {
        Plan::Known(kind) if on_lossy == OnLossy::Text && kind.may_be_lossy() => {
            text(format!("the type {name} has values that only text holds"))
        }
        Plan::Known(kind) => Settled {
            kind: kind.clone(),
            cast: Cast::Nothing,
            is_text: false,
            reason: format!("the type {name}"),
        },
        Plan::Text(cast) => {
            let reason = format!("the type {name} is kept as the server prints it");
            Settled { kind: Kind::Text, cast: cast.clone(), is_text: false, reason }
        }
        // What is measured does not come here.
        _ => text(format!("the type {name} is kept as the server prints it")),
    }
}

/// Returns a geometry of these kinds, whose reference system has this number here, and another name
/// elsewhere.
async fn geometry(
    wire: &mut Wire,
    spatial: &Spatial,
    srid: Option<u32>,
    kinds: Vec<String>,
    name: &str,
) -> Result<Settled, Failure> {
    let (mut crs, mut system) = (None, "no reference system".to_owned());
    if let Some(srid) = srid.filter(|it| *it > 0) {
        let schema = Quoting::Double.name(&spatial.schema);
        let sql = format!(
            "SELECT auth_name || ':' || auth_srid FROM {schema}.spatial_ref_sys WHERE srid = {srid}"
        );
        let known = wire.ask(&sql).await?.into_iter().flatten().flatten().next();
        // Its number says something to this database only.
        crs = Some(match known {
            Some(known) => {
                system = format!("the reference system {known}");
                ReferenceSystem::Authority(known)
            }
            None => {
                system = format!("the reference system {srid}");
                ReferenceSystem::Srid(srid)
            }
        });
    }
    let facts = GeometryFacts { crs, spherical: spatial.is_geography, kinds: Some(kinds) };
    Ok(Settled {
        kind: Kind::Wkb { facts },
        cast: Cast::Wkb(spatial.schema.clone()),
        is_text: false,
        reason: format!("the type {name}, with {system}"),
    })
}

fn numeric(largest: Option<&str>, scale: Option<u64>, others: u64) -> Settled {
    if others > 0 {
        return text(format!("the type numeric, with NaN or infinities in {others} rows"));
    }
    let (Some(largest), Some(scale)) = (largest, scale) else {
        return Settled {
            kind: UNKNOWN,
            cast: Cast::Nothing,
            is_text: false,
            reason: "the type numeric without a precision, and without a value".to_owned(),
        };
    };
    let before = largest.split('.').next().unwrap_or_default().trim_start_matches('0').len();
    let digits = u64::try_from(before).unwrap_or(u64::MAX).saturating_add(scale);
    let measured = format!("{before} digits before the point and {scale} behind it");
    match (u8::try_from(digits), u8::try_from(scale)) {
        (Ok(digits), Ok(scale)) if digits <= MAX_DECIMAL_PRECISION => {
            let precision = if digits <= NARROW { NARROW } else { MAX_DECIMAL_PRECISION };
            Settled {
                kind: Kind::Decimal { precision, scale },
                cast: Cast::Nothing,
                is_text: false,
                reason: format!("the type numeric, measured: {measured}"),
            }
        }
        _ => text(format!("the type numeric, of which no decimal holds {measured}")),
    }
}

fn array(
    plan: &Plan,
    name: &str,
    on_lossy: OnLossy,
    least: Option<u8>,
    most: Option<u8>,
    shifted: u64,
) -> Settled {
    let depth = match (least, most) {
        // Of arrays that are all empty or null every depth is right.
        (None, _) | (_, None) => 1,
        (Some(least), Some(most)) if least == most => most,
        (Some(least), Some(most)) => {
            return text(format!("the type {name}, of {least} to {most} dimensions"));
        }
    };
    if shifted > 0 {
        return text(format!("the type {name}, whose indexes do not begin at 1 in {shifted} rows"));
    }
    let reason = format!("the type {name}, measured: {depth} dimensions");
    match plan {
        Plan::Array(item) if !(on_lossy == OnLossy::Text && item.may_be_lossy()) => {
            let kind = Kind::List { item: Box::new(item.clone()), depth };
            Settled { kind, cast: Cast::Nothing, is_text: false, reason }
        }
        _ => Settled {
            kind: Kind::List { item: Box::new(Kind::Text), depth },
            cast: match plan {
                Plan::TextArray(cast) => cast.clone(),
                _ => Cast::Texts,
            },
            is_text: false,
            reason: format!("{reason}, its elements as the server prints them"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_numeric_is_a_decimal_that_holds_it_or_text() {
        let of = |largest: Option<&str>, scale, others| numeric(largest, scale, others).kind;
        let decimal = |precision, scale| Kind::Decimal { precision, scale };
        assert_eq!(of(Some("12.34"), Some(2), 0), decimal(18, 2));
        assert_eq!(of(Some("0.00"), Some(18), 0), decimal(18, 18));
        assert_eq!(of(Some("1"), Some(18), 0), decimal(38, 18));
        assert_eq!(of(Some(&"9".repeat(38)), Some(0), 0), decimal(38, 0));
        assert_eq!(of(Some(&"9".repeat(38)), Some(1), 0), Kind::Text);
        assert_eq!(of(Some("0"), Some(16_383), 0), Kind::Text);
        assert_eq!(of(Some("1"), Some(0), 1), Kind::Text);
        assert_eq!(of(None, None, 0), UNKNOWN);
    }

    #[test]
    fn arrays_of_one_depth_are_lists_and_others_text() {
        let ints = Plan::Array(Kind::Int32);
        let of = |plan: &Plan, least, most, shifted| {
            array(plan, "integer[]", OnLossy::Fail, least, most, shifted).kind.column_type()
        };
        assert_eq!(of(&ints, Some(2), Some(2), 0), "INTEGER[][]");
        assert_eq!(of(&ints, None, None, 0), "INTEGER[]");
        assert_eq!(of(&ints, Some(1), Some(2), 0), "VARCHAR");
        assert_eq!(of(&ints, Some(1), Some(1), 3), "VARCHAR");
        assert_eq!(of(&Plan::TextArray(Cast::Texts), Some(1), Some(1), 0), "VARCHAR[]");
    }
}
